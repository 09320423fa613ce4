"""What the Denoising Space tells and shows first: its question, its presets, its story."""

from pathlib import Path

from shared.ui import Preset

QUESTION = "How does a picture come out of noise?"
LEAD = "A small network was taught one thing: to say what is noise in a noisy picture. Asked often enough, it draws."
DEFAULTS = {
    "label": "each", "seed": "0", "sampler": "DDIM", "steps": "50", "guidance": "2", "eta": "0", "samples": "10",
    "model": "ddpm-fashion-mnist", "image": "example:shirt",
}  # fmt: skip

PRESETS = (
    Preset(
        "Out of noise",
        {},
        "One garment of each kind. Hold the time in your hand: drag the line below the pictures. What the network "
        "believes (the middle) has a shape long before the picture (the left) shows one.",
        kind="strength",
    ),
    Preset(
        "Fork the road",
        {"label": "any", "samples": "8", "guidance": "0", "seed": "3"},
        "Nothing is asked for here. From one moment of the run, eight others go on with fresh noise. Move the moment: "
        "early forks become other garments, late ones differ in texture only.",
        {"tab": "fork"},
        predict={
            "question": "When does it become impossible to turn this garment into another one?",
            "options": ["In the first third of the steps", "In the middle third", "Only near the end"],
            "answer": 1,
            "reveal": "Compute the curve and see where it reaches one.",
        },
    ),
    Preset(
        "Same noise, fewer steps",
        {"label": "each", "steps": "100"},
        "A is 10 steps, B is 100, both without fresh noise from the same start: nearly the same garments, the quick "
        "ones with less detail.",
        {"tab": "compare"},
        kind="strength",
        pin={"inputs": {"label": "each", "steps": "10"}, "state": {}},
    ),
    Preset(
        "Too few steps",
        {"steps": "4"},
        "Four steps are too few: each one trusts a guess about pure noise. The shapes are there, the surfaces are not. "
        "The tab Steps measures how many are enough.",
        kind="weakness",
    ),
    Preset(
        "Pushed too hard",
        {"label": "Sneaker", "guidance": "12", "samples": "16"},
        "Guidance exaggerates the difference that the class makes. Strong guidance pleases the judge and ends variety: "
        "the sneakers become alike, hard and overdrawn.",
        kind="weakness",
    ),
    Preset(
        "A stranger",
        {"image": "example:cat"},
        "It has seen garments only. Noise the cat, then let it be restored from there: with little noise the cat "
        "survives, with much noise the network finds clothes in it.",
        {"tab": "forward", "t": 500},
        kind="weakness",
    ),
    Preset(
        "How it learned",
        {},
        "The same noise at several moments of the training: first clouds, then outlines of the right kind, then clean "
        "surfaces. Most is learned in the first third.",
        {"tab": "learned"},
    ),
)

STORY = (Path(__file__).parent / "denoising_story.md").read_text(encoding="utf-8")
