"""What the Attention Space tells and shows first: its question, its presets, its story."""

from pathlib import Path

from shared.ui import Preset

QUESTION = "Which words look at which?"
LEAD = "Type a sentence. Every small square is one attention head: a map of which token looks at which."
DEFAULTS = {"text": "", "pair": "", "model": "bert-reviews"}
REPEATED = "q3kbx0mfz2w q3kbx0mf"

PRESETS = (
    Preset(
        "The word before",
        {"text": "The scenes that the young director shot at night were brilliant."},
        "Look for a bright line just below the diagonal: a head that only ever looks one word back. Then find “were”: "
        "does any head carry it back over five words to “scenes”?",
        {"pattern": "previous token"},
        kind="strength",
    ),
    Preset(
        "One word, two senses",
        {"text": "This light comedy was filmed in beautiful light."},
        "“light” stands here twice. Compare the two rows in each head: where they differ, the network tells the senses "
        "apart; where they agree, it reads the spelling alone.",
        {"token": 2},
    ),
    Preset(
        "Who is she?",
        {"text": "The director thanked the actress because she saved the film."},
        "Open Query × key and ask “she”: the strongest product is the head's guess, not proof that the network "
        "resolved the pronoun. Hide “actress” under Switch off to test it.",
        {"tab": "heads", "token": 8},
    ),
    Preset(
        "One “not”",
        {"text": "The movie was not good."},
        "Hide the word “not” under Switch off and watch the answer.",
        {"tab": "switch"},
        kind="strength",
        predict={
            "question": "“The movie was good.” is positive to this network. What does it make of “The movie was "
            "not good.”?",
            "options": ["Still positive: it counts nice words", "Negative: it reads the “not”"],
            "answer": 1,
            "reveal": "Hide “not” below and see how far the answer moves; then switch off the one dark head.",
        },
    ),
    Preset(
        "Seen before",
        {"text": REPEATED, "model": "induction-2l"},
        "Random symbols, then the same again. Heads of layer 0 look one back; heads of layer 1 use that to find what "
        "followed the same symbol last time (Olsson et al. 2022). Switch one off: the others stand in. Switch all "
        "“induction” heads off: the next symbol is lost.",
        {"pattern": "induction"},
        kind="strength",
    ),
    Preset(
        "A head that says little",
        {"text": "It is the kind of film that you will not think about again."},
        "The flattest head of all: its entropy is close to the bound, so its picture holds next to no information. "
        "The other way to say little is a sink: choose all-MiniLM-L6-v2, where most heads park their attention on "
        "the first token.",
        {"pattern": "broad"},
        kind="weakness",
    ),
    Preset(
        "Random words",
        {"text": "lamp seven under quickly cheese the of moreover window green"},
        "Nothing here means anything, and still every head draws a confident picture. A clean pattern shows how a head "
        "works, not that the network understood.",
        kind="weakness",
    ),
    Preset(
        "Before and after",
        {"text": "A slow start, a weak middle, and then a wonderful ending."},
        "A is the network that only learned to guess hidden words, B the same one after learning to judge reviews. Red "
        "gained attention, blue lost it: look at the row of [CLS], from which the judgment is read.",
        {"tab": "compare", "layer": 3, "head": 0},
        pin={"inputs": {"model": "bert-reviews-pretrained"}, "state": {"layer": 3, "head": 0}},
    ),
)

STORY = (Path(__file__).parent / "attention_story.md").read_text(encoding="utf-8")
