"""LeNet for 28 x 28 gray pictures: two convolutions, two poolings, two layers that see everything.

After LeCun et al. 1998 ("Gradient-based learning applied to document recognition"), with ReLU for tanh and
max-pooling for sub-sampling.
"""

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import nn


class LeNet(nn.Module, PyTorchModelHubMixin):
    """``widths`` are the channels of the two convolutions and the units of the hidden layer."""

    def __init__(self, classes: int = 10, channels: int = 1, widths: tuple[int, int, int] = (16, 32, 120)) -> None:
        super().__init__()
        first, second, hidden = widths
        self.conv1 = nn.Sequential(nn.Conv2d(channels, first, 5, padding=2), nn.ReLU())
        self.pool1 = nn.MaxPool2d(2)
        self.conv2 = nn.Sequential(nn.Conv2d(first, second, 5, padding=2), nn.ReLU())
        self.pool2 = nn.MaxPool2d(2)
        self.hidden = nn.Sequential(nn.Flatten(), nn.Linear(second * 7 * 7, hidden), nn.ReLU())
        self.classifier = nn.Linear(hidden, classes)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """``pictures`` (B, channels, 28, 28) to logits (B, classes)."""
        maps = self.pool2(self.conv2(self.pool1(self.conv1(pictures))))
        return torch.as_tensor(self.classifier(self.hidden(maps)))
