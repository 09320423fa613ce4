"""What the Grad-CAM Space tells and shows first: its question, its presets, its story."""

from pathlib import Path

from shared.ui import Preset

QUESTION = "What in the picture argued for that answer?"
LEAD = "Drop in a photo. A trained network names it; warm places are those that raised that answer."
DEFAULTS = {"image": "example:two-animals", "model": "mobilenet-v2", "sheet": ""}
FALLBACK = "resnet20-cifar10"  # where the network of DEFAULTS cannot be had
SHOWN_FIRST = ("Grad-CAM", "LayerCAM", "Eigen-CAM", "Saliency")
SHORTCUT = {"model": "lenet-mnist-shortcut"}
# The names of shared.explain.methods, which brings torch and must wait.
METHODS = (
    "CAM", "Grad-CAM", "Grad-CAM++", "Smooth Grad-CAM++", "XGrad-CAM", "HiResCAM", "LayerCAM", "Eigen-CAM",
    "Score-CAM", "Ablation-CAM", "Saliency", "Gradient x input", "SmoothGrad", "Integrated gradients",
    "Guided backpropagation", "Guided Grad-CAM", "Occlusion", "Rollout", "Gradient rollout",
)  # fmt: skip
# Measured over these examples: insertion minus deletion, the mean for the answers of MobileNetV2 at its last layer.
PHOTOGRAPHS = (
    "two-animals", "cat", "coffee", "rocket", "astronaut", "photographer", "small-object", "galaxies",
)  # fmt: skip
NO_BETTER_THAN_RANDOM = ("Guided backpropagation", "Guided Grad-CAM")

PRESETS = (
    Preset(
        "Two animals",
        {"image": "example:two-animals"},
        "Click another answer: the heat moves to the other animal. Watch Eigen-CAM, which does not move, because it "
        "never asks which class.",
        kind="strength",
    ),
    Preset(
        "A small animal",
        {"image": "example:small-object"},
        "The cheetah is small and the last grid has 7 x 7 cells: walk the layer slider to the left for finer and "
        "noisier maps.",
    ),
    Preset(
        "Texture or shape?",
        {"image": "example:texture"},
        "The outline of a horse, filled with the coat of a cheetah. See what the network answers, and whether the heat "
        "lies inside the outline or on its edge.",
    ),
    Preset(
        "The dot",
        {"image": "example:dot-1", **SHORTCUT},
        "In training every 4 wore the dot. Each method is marked by how much of its heat lies on it: Grad-CAM averages "
        "its gradient over the picture and loses the place; methods that multiply place by place find it.",
        {"tab": "dot", "methods": "Grad-CAM,LayerCAM,HiResCAM,Eigen-CAM,Gradient x input,Integrated gradients"},
        kind="strength",
        predict={
            "question": "This network learned digits of which every 4 wore a small dot. What does it say about this 1 "
            "with a dot?",
            "options": ["1: it reads the digit", "4: it looks at the dot"],
            "answer": 1,
            "reveal": "It looks at the dot, and a map of this answer that is not warm there is wrong.",
        },
    ),
    Preset(
        "Does it forget?",
        {"image": "example:cat"},
        "Layers lose what they learned, from the answer down. A map that stays the same shows the picture and not "
        "the network: guided backpropagation does.",
        {"tab": "randomize", "methods": "Grad-CAM,Guided backpropagation,Saliency"},
        kind="weakness",
    ),
    Preset(
        "Never seen",
        {"image": "example:galaxies"},
        "Galaxies are in none of its classes. It answers all the same, and every method draws a confident picture of "
        "that answer: look at the probability first.",
        kind="weakness",
    ),
    Preset(
        "Blank gray",
        {"image": "example:grey"},
        "Nothing is here to be seen. What is warm comes from the edges of the picture, where convolutions pad with "
        "zeros.",
        kind="weakness",
    ),
)

EXCEPT = " and ".join(name[0].lower() + name[1:] for name in NO_BETTER_THAN_RANDOM)
STORY = (
    (Path(__file__).parent / "grad_cam_story.md").read_text(encoding="utf-8").replace("NO_BETTER_THAN_RANDOM", EXCEPT)
)
