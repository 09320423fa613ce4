"""What the Decision Boundary Space tells and shows first: its question, its presets, its story."""

from pathlib import Path

from shared.ui import Preset

QUESTION = "How does a network learn where to draw the line?"
LEAD = "A few numbers, changed a little at a time. Watch a small network bend the border between two kinds of points."
DEFAULTS = {
    "data": "moons", "learner": "MLP", "hidden_layers": "8,8", "activation": "tanh", "learning_rate": "0.03",
    "optimizer": "Adam", "schedule": "constant", "epochs": "60", "batch_size": "32", "noise": "0.2", "size": "300",
    "validation_share": "0.3", "seed": "0", "batch_norm": "false", "dropout": "0", "l1": "0", "l2": "0",
    "label_smoothing": "0", "initialization": "default", "features": "", "label": "", "table": "", "steer": "",
}  # fmt: skip
NOISY = {
    "noise": "0.4", "size": "80", "validation_share": "0.5", "hidden_layers": "16,16", "activation": "ReLU",
    "epochs": "200", "seed": "2",
}  # fmt: skip
XOR = {"data": "xor", "noise": "0.1", "epochs": "40"}

PRESETS = (
    Preset(
        "It bends",
        {},
        "A network of two layers of eight units. At first it knows nothing; then it draws a line, then it bends it. "
        "Drag the line below the picture, or a link of the network, and see what each does.",
        kind="strength",
    ),
    Preset(
        "No line will do",
        {**XOR, "learner": "Perceptron", "epochs": "60"},
        "XOR: what lies across the corner is alike. The Perceptron can only draw a straight line, so it corrects "
        "itself for ever and never rests. The best any line can do stands below the picture.",
        kind="weakness",
        predict={
            "question": "A Perceptron meets XOR: four squares, opposite corners alike. What happens to its line?",
            "options": ["It settles on the best line", "It never comes to rest", "It stops at once"],
            "answer": 1,
            "reveal": "Every correction for one corner is wrong for another.",
        },
    ),
    Preset(
        "Four lines, joined",
        {**XOR, "hidden_layers": "4", "learning_rate": "0.05"},
        "A: ADALINE, one line for XOR. B: four hidden units. Each unit draws a line of its own (tab Inside), and "
        "the output joins them.",
        {"tab": "compare"},
        kind="strength",
        pin={"inputs": {**XOR, "learner": "ADALINE", "learning_rate": "0.01"}, "state": {}},
    ),
    Preset(
        "One unit is not enough",
        {"data": "circles", "hidden_layers": "1", "epochs": "80"},
        "One hidden unit is one line, however long it learns: a disc cannot be cut out of its ring. With three units "
        "it can: change Hidden layers to 3.",
        kind="weakness",
    ),
    Preset(
        "Steps too large",
        {"optimizer": "SGD", "learning_rate": "8", "activation": "ReLU", "batch_size": "0"},
        "With a learning rate of 8 each step lands beyond the valley it aimed for. Look at the loss: it jumps instead "
        "of falling. Go back to epoch 20 and choose 0.3 below the picture: it goes on from there.",
        kind="weakness",
    ),
    Preset(
        "The gradient fades",
        {"hidden_layers": "6,6,6,6,6", "activation": "sigmoid", "optimizer": "SGD", "learning_rate": "0.1"},
        "Five layers of sigmoids. Each passes on at most a quarter of what it is told, so the first layers hear almost "
        "nothing: the bars show the gradient of each layer. With ReLU or Adam it wakes up.",
        {"tab": "inside"},
        kind="weakness",
    ),
    Preset(
        "Dead units",
        {"activation": "ReLU", "initialization": "dead ReLU", "hidden_layers": "8"},
        "These ReLU units begin so far on the wrong side that they give 0 for every point. What gives nothing gets no "
        "gradient and never comes back: the table names them.",
        {"tab": "inside"},
        kind="weakness",
    ),
    Preset(
        "Learned by heart",
        {**NOISY, "l2": "0.02"},
        "A: no restraint. B: L2 keeps the weights small. A is right on every point it saw, the accidental ones too, "
        "and its validation loss rises again. The mark on the curves shows where to stop.",
        {"tab": "compare"},
        pin={"inputs": {**NOISY, "l2": "0"}, "state": {}},
    ),
)

STORY = (Path(__file__).parent / "decision_boundary_story.md").read_text(encoding="utf-8")
