"""The whole lab in plain PyTorch: train an image classifier, save it, load it, test it.

python cifar10_classifier.py                 CIFAR-10, downloaded once (170 MB)
python cifar10_classifier.py --data DIR      your images: DIR/train/cat/1.jpg, DIR/test/...
python cifar10_classifier.py --device cpu    on the CPU, even if there is a GPU
"""

import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, random_split
from torchvision import datasets, transforms


class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, classes)

    def forward(self, x):
        x = self.pool(torch.relu(self.conv1(x)))  # [N, 3, 32, 32] -> [N, 6, 14, 14]
        x = self.pool(torch.relu(self.conv2(x)))  # -> [N, 16, 5, 5]
        x = torch.flatten(x, 1)  # -> [N, 400]
        x = torch.relu(self.fc1(x))  # -> [N, 120]
        x = torch.relu(self.fc2(x))  # -> [N, 84]
        return self.fc3(x)  # -> [N, classes], logits


def load_data(folder):
    square = [transforms.Resize(32), transforms.CenterCrop(32)]  # for images of any size
    normalize = transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    transform = transforms.Compose([*square, transforms.ToTensor(), normalize])
    if folder:
        parts = f"{folder}/train", f"{folder}/test"
        return [datasets.ImageFolder(part, transform) for part in parts]
    parts = True, False  # for training, for testing
    return [datasets.CIFAR10("data", part, transform, download=True) for part in parts]


def train_epoch(net, loader, optimizer, device):
    net.train()
    running_loss = 0.0
    for step, (images, labels) in enumerate(loader, start=1):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(images.to(device)), labels.to(device))
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
        if step % 2_000 == 0:
            print(f"batch {step:6,}: running loss {running_loss / 2_000:.3f}")
            running_loss = 0.0


def count_correct(net, loader, classes, device):
    net.eval()
    correct, total = torch.zeros(classes), torch.zeros(classes)
    with torch.inference_mode():
        for images, labels in loader:
            predictions = net(images.to(device)).argmax(dim=1).cpu()
            correct += labels[predictions == labels].bincount(minlength=classes)
            total += labels.bincount(minlength=classes)
    return correct, total


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", help="folder with train/<class>/ and test/<class>/")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--epochs", type=int, default=2)
    options = parser.parse_args()

    train_set, test_set = load_data(options.data)
    names, device = train_set.classes, options.device
    train_set, validation_set = random_split(train_set, [0.95, 0.05])
    train_loader = DataLoader(train_set, batch_size=4, shuffle=True, num_workers=2)

    net = Net(len(names)).to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.001, momentum=0.9)
    for epoch in range(1, options.epochs + 1):
        train_epoch(net, train_loader, optimizer, device)
        loader = DataLoader(validation_set, 250)
        correct, total = count_correct(net, loader, len(names), device)
        print(f"epoch {epoch}: validation accuracy {correct.sum() / total.sum():.1%}")

    torch.save(net.state_dict(), "cifar10_net.pt")
    net = Net(len(names)).to(device)
    net.load_state_dict(torch.load("cifar10_net.pt", map_location=device, weights_only=True))
    correct, total = count_correct(net, DataLoader(test_set, 250), len(names), device)
    print(f"test accuracy {correct.sum() / total.sum():.1%}")
    for name, share in zip(names, correct / total, strict=True):
        print(f"{name:>12} {share:.1%}")


if __name__ == "__main__":
    main()
