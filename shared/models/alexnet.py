"""AlexNet (Krizhevsky et al. 2012) made small, for 32 x 32 color pictures.

Five convolutions and three poolings as in the paper; the kernels fit the smaller picture, batch normalization (Ioffe
& Szegedy 2015) takes the place of local response normalization, and the two hidden layers are narrow.
"""

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import nn


def convolution(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    """Convolution that keeps the size, batch normalization, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


class AlexNet(nn.Module, PyTorchModelHubMixin):
    """``widths`` are the channels of the five convolutions, ``hidden`` the units of both hidden layers."""

    def __init__(
        self,
        classes: int = 10,
        channels: int = 3,
        widths: tuple[int, int, int, int, int] = (32, 64, 96, 96, 64),
        hidden: int = 256,
    ) -> None:
        super().__init__()
        kernels = (5, 5, 3, 3, 3)
        inputs = (channels, *widths)
        self.conv1, self.conv2, self.conv3, self.conv4, self.conv5 = (
            convolution(*sizes) for sizes in zip(inputs, widths, kernels, strict=False)
        )
        self.pool1, self.pool2, self.pool5 = (nn.MaxPool2d(2) for _ in range(3))
        self.hidden = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(),
            nn.Linear(widths[-1] * 4 * 4, hidden),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
        )
        self.classifier = nn.Linear(hidden, classes)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """``pictures`` (B, channels, 32, 32) to logits (B, classes)."""
        maps = self.pool2(self.conv2(self.pool1(self.conv1(pictures))))
        maps = self.pool5(self.conv5(self.conv4(self.conv3(maps))))
        return torch.as_tensor(self.classifier(self.hidden(maps)))
