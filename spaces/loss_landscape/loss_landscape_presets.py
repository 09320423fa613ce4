"""What the Loss Landscape Space tells and shows first: its question, its presets, its story."""

from pathlib import Path

from shared.ui import Preset

QUESTION = "Why does training get stuck?"
LEAD = "Every set of weights has a loss: a landscape with valleys, walls and saddles. Watch a ball roll on it."
DEFAULTS = {
    "model": "mlp-moons", "plane": "filter_normalized", "resolution": "41", "span": "1.0", "seed": "0",
    "hidden_layers": "8,8", "activation": "tanh", "optimizer": "Adam", "learning_rate": "0.03", "epochs": "60",
    "batch_size": "32", "initialization": "default", "noise": "0.2", "size": "300", "training_seed": "0",
    "rivals": "", "other": "seed", "rescale": "1", "images": "128",
}  # fmt: skip
SADDLE = {
    "hidden_layers": "4", "initialization": "small", "learning_rate": "0.01", "optimizer": "SGD", "plane": "curvature",
    "span": "3",
}  # fmt: skip
ESCAPE = {**SADDLE, "plane": "trajectory", "span": "1.0", "optimizer": "Momentum", "rivals": "SGD"}
BATCHES = {
    "model": "mlp-circles", "hidden_layers": "16", "activation": "ReLU", "optimizer": "SGD", "learning_rate": "0.5",
    "epochs": "200",
}  # fmt: skip
RESCALED = {"hidden_layers": "16", "activation": "ReLU", "plane": "random"}
DEEP = {"resolution": "15", "images": "64"}

PRESETS = (
    Preset(
        "Stuck at a saddle",
        SADDLE,
        "The ball has hardly moved in 60 epochs. Left and right are walls, above and below are valleys, and in the "
        "middle it is flat: the gradient is so small that SGD takes the place for a goal. Click into a valley and "
        "see what that network would answer.",
        kind="weakness",
    ),
    Preset(
        "Momentum escapes",
        ESCAPE,
        "The plane that holds most of both ways. Both began at the ring, next to the saddle, and both made the same "
        "number of steps with the same learning rate. Momentum adds up many small pushes in one direction.",
        kind="strength",
        predict={
            "question": "SGD sits at a saddle. The same start and rate, but with momentum 0.9: after 60 epochs?",
            "options": ["It sits there too", "It rolls into the valley", "It leaps over the valley and is lost"],
            "answer": 1,
            "reveal": "About 20 epochs nothing is to be seen, then it rolls: momentum makes ten times the way of SGD.",
        },
    ),
    Preset(
        "A valley with walls",
        {},
        "Two random directions, every filter counted by its own length. The way of the optimizer is hardly to be seen "
        "here: a random plane holds about 2 % of it. The number below the picture says so.",
    ),
    Preset(
        "One start, four optimizers",
        {"model": "mlp-xor", "hidden_layers": "8", "plane": "trajectory", "rivals": "SGD,Momentum,RMSProp"},
        "Four ways on one shared plane, each with the same start and the same number of epochs. The tab Path compares "
        "the true loss with the loss of the plane below it: the rest of the way happens in other dimensions.",
        {"tab": "map"},
    ),
    Preset(
        "Large and small batches",
        {**BATCHES, "batch_size": "16"},
        "A: all points at once. B: batches of 16, the same number of epochs. B lies far lower, so that on the log "
        "scale it looks like a funnel; the tab Sharpness says that it bends less. But B made 14 times as many steps: "
        "give A 2,000 epochs, and they are nearly alike.",
        {"tab": "compare"},
        pin={"inputs": {**BATCHES, "batch_size": "0"}, "state": {}},
    ),
    Preset(
        "The same network twice",
        {**RESCALED, "rescale": "10"},
        "A and B answer every question alike: in B the first layer is ten times as long and the second one a tenth. "
        "Yet without normalization B looks like a ravine. Choose the filter-normalized plane: the pictures are the "
        "same.",
        {"tab": "compare"},
        kind="weakness",
        pin={"inputs": {**RESCALED, "rescale": "1"}, "state": {}},
    ),
    Preset(
        "Deep, without shortcuts",
        {**DEEP, "model": "plain56-narrow-cifar10"},
        "A: 56 layers with skip connections. B: the same layers without. Batch norm keeps the gradients of both alive "
        "(tab Gradients); then choose 56 layers, plain, no batch norm. The scan takes a minute, coarse first.",
        {"tab": "compare"},
        pin={"inputs": {**DEEP, "model": "resnet56-narrow-cifar10"}, "state": {}},
    ),
    Preset(
        "Between two minima",
        {"hidden_layers": "8", "plane": "line", "other": "seed"},
        "Two trainings that differ only in their seed, and the straight line between their ends. Each end is a good "
        "network, their mean is not: there is a wall between them.",
    ),
)

STORY = (Path(__file__).parent / "loss_landscape_story.md").read_text(encoding="utf-8")
