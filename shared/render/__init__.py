"""Result to picture: no torch, no gradio."""
