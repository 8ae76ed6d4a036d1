"""The workshop's network, as notebook 03 writes it line by line."""

import torch
from torch import nn


class Net(nn.Module):
    """Two convolutions with max-pooling, three linear layers: 62,006 parameters for 10 classes.

    Input ``[N, 3, 32, 32]`` float, output logits ``[N, classes]``. It is the network of PyTorch's
    tutorial "Training a Classifier", a relative of LeNet-5 (LeCun et al., 1998). ``width``
    multiplies the number of channels and hidden units.
    """

    def __init__(self, classes: int = 10, width: int = 1):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6 * width, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6 * width, 16 * width, 5)
        self.fc1 = nn.Linear(16 * width * 5 * 5, 120 * width)
        self.fc2 = nn.Linear(120 * width, 84 * width)
        self.fc3 = nn.Linear(84 * width, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pool(torch.relu(self.conv1(x)))  # [N, 3, 32, 32] -> [N, 6, 14, 14]
        x = self.pool(torch.relu(self.conv2(x)))  # -> [N, 16, 5, 5]
        x = torch.flatten(x, 1)  # -> [N, 400]
        x = torch.relu(self.fc1(x))  # -> [N, 120]
        x = torch.relu(self.fc2(x))  # -> [N, 84]
        return self.fc3(x)  # -> [N, classes], logits: no softmax here
