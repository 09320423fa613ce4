"""The still parts of a page: its question above the picture, its story below."""

import html

import gradio as gr


def header(question: str, lead: str) -> gr.HTML:
    """The question a Space asks, and one sentence on how to use it."""
    value = f'<header class="gh-header"><h1>{html.escape(question)}</h1><p>{html.escape(lead)}</p></header>'
    return gr.HTML(value, js_on_load=None, apply_default_css=False, elem_id="question")


def story(markdown: str) -> gr.Markdown:
    """The short text under the picture; links of the form ``#set:layer=0&head=1`` set the picture's state."""
    return gr.Markdown(
        markdown, latex_delimiters=[{"left": "$$", "right": "$$", "display": True}], elem_id="story", container=False
    )
