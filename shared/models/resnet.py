"""The residual networks for CIFAR-10 of He et al. 2016 ("Deep residual learning for image recognition", section 4.2).

Three groups of blocks at 32 x 32, 16 x 16 and 8 x 8 pixels, 6 n + 2 layers for n blocks a group, shortcuts without
parameters (option A), global average pooling and one linear layer.
"""

import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import nn


class Shortcut(nn.Module):
    """Every ``stride``-th pixel, and zeros for the channels that are new (option A)."""

    def __init__(self, stride: int, new_channels: int) -> None:
        super().__init__()
        self.stride, self.new_channels = stride, new_channels

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) to (B, C + new_channels, H / stride, W / stride)."""
        half = self.new_channels // 2
        thinned = maps[:, :, :: self.stride, :: self.stride]
        return nn.functional.pad(thinned, (0, 0, 0, 0, half, self.new_channels - half))


class Block(nn.Module):
    """Two 3 x 3 convolutions; with ``skip`` the input is added to what they make of it."""

    def __init__(self, inputs: int, outputs: int, stride: int, skip: bool, norm: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=not norm)
        self.norm1 = nn.BatchNorm2d(outputs) if norm else nn.Identity()
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=not norm)
        self.norm2 = nn.BatchNorm2d(outputs) if norm else nn.Identity()
        same = stride == 1 and inputs == outputs
        self.shortcut = (nn.Identity() if same else Shortcut(stride, outputs - inputs)) if skip else None
        self.relu2 = nn.ReLU()

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """(B, inputs, H, W) to (B, outputs, H / stride, W / stride)."""
        made = self.norm2(self.conv2(self.relu1(self.norm1(self.conv1(maps)))))
        if self.shortcut is not None:
            made = made + self.shortcut(maps)
        return torch.as_tensor(self.relu2(made))


class ResNet(nn.Module, PyTorchModelHubMixin):
    """``depth`` = 6 n + 2 layers, ``width`` channels in the first group, doubled in each of the next two.

    Without ``skip`` it is the paper's plain network, without ``norm`` it has no batch normalization.
    """

    def __init__(
        self,
        classes: int = 10,
        channels: int = 3,
        depth: int = 20,
        width: int = 16,
        skip: bool = True,
        norm: bool = True,
    ) -> None:
        super().__init__()
        if depth % 6 != 2:
            raise ValueError(f"The depth must be 6 n + 2 (8, 14, 20, ...), not {depth}.")
        stem = nn.Conv2d(channels, width, 3, padding=1, bias=not norm)
        self.stem = nn.Sequential(stem, nn.BatchNorm2d(width) if norm else nn.Identity(), nn.ReLU())
        widths = [width, width, 2 * width, 4 * width]
        self.group1, self.group2, self.group3 = (
            nn.Sequential(
                *(
                    Block(widths[group] if first else widths[group + 1], widths[group + 1], stride, skip, norm)
                    for first, stride in [(True, 1 if group == 0 else 2)] + [(False, 1)] * ((depth - 8) // 6)
                )
            )
            for group in range(3)
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.classifier = nn.Linear(4 * width, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """``pictures`` (B, channels, 32, 32) to logits (B, classes)."""
        maps = self.group3(self.group2(self.group1(self.stem(pictures))))
        return torch.as_tensor(self.classifier(self.flatten(self.pool(maps))))
