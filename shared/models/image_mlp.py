"""A multilayer perceptron on pixels: to it a picture is a list of numbers, with no up, down or beside."""

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import nn


class ImageMLP(nn.Module, PyTorchModelHubMixin):
    """``hidden`` are the units of the hidden layers, ``size`` the side of its square pictures."""

    def __init__(
        self, classes: int = 10, channels: int = 1, size: int = 28, hidden: tuple[int, ...] = (256, 128)
    ) -> None:
        super().__init__()
        self.flatten = nn.Flatten()
        widths = (channels * size**2, *hidden)
        pairs = zip(widths, widths[1:], strict=False)
        self.hidden = nn.ModuleList(nn.Sequential(nn.Linear(a, b), nn.ReLU()) for a, b in pairs)
        self.classifier = nn.Linear(widths[-1], classes)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """``pictures`` (B, channels, size, size) to logits (B, classes)."""
        values = self.flatten(pictures)
        for layer in self.hidden:
            values = layer(values)
        return torch.as_tensor(self.classifier(values))
