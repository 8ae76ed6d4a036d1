"""Train an image classifier, save it, load it again and test it: the whole lab in plain PyTorch.

python cifar10_classifier.py                 CIFAR-10, downloaded once (170 MB)
python cifar10_classifier.py --data DIR      your own images: DIR/train/cat/1.jpg, DIR/test/...
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
    normalize = transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    transform = transforms.Compose([transforms.ToTensor(), normalize])
    if folder is None:
        train_set = datasets.CIFAR10("data", train=True, download=True, transform=transform)
        test_set = datasets.CIFAR10("data", train=False, download=True, transform=transform)
    else:  # images of any size: make the short side 32 pixels, then cut out the middle
        square = [transforms.Resize(32), transforms.CenterCrop(32)]
        transform = transforms.Compose([*square, transform])
        train_set = datasets.ImageFolder(f"{folder}/train", transform)
        test_set = datasets.ImageFolder(f"{folder}/test", transform)
    return train_set, test_set


def train_epoch(net, loader, loss_function, optimizer, device):
    net.train()
    running_loss = 0.0
    for step, (images, labels) in enumerate(loader, start=1):
        images, labels = images.to(device), labels.to(device)
        optimizer.zero_grad()
        loss = loss_function(net(images), labels)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
        if step % 2_000 == 0:
            print(f"batch {step:6,}: running loss {running_loss / 2_000:.3f}")
            running_loss = 0.0


def count_correct(net, loader, classes, device):
    net.eval()
    correct, total = torch.zeros(len(classes)), torch.zeros(len(classes))
    with torch.inference_mode():
        for images, labels in loader:
            predictions = net(images.to(device)).argmax(dim=1).cpu()
            total += labels.bincount(minlength=len(classes))
            correct += labels[predictions == labels].bincount(minlength=len(classes))
    return correct, total


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", help="folder with train/<class>/ and test/<class>/")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--epochs", type=int, default=2)
    options = parser.parse_args()

    train_set, test_set = load_data(options.data)
    classes = train_set.classes
    train_set, validation_set = random_split(train_set, [0.95, 0.05])
    train_loader = DataLoader(train_set, batch_size=4, shuffle=True, num_workers=2)
    validation_loader = DataLoader(validation_set, batch_size=250)
    test_loader = DataLoader(test_set, batch_size=250)

    device = torch.device(options.device)
    net = Net(len(classes)).to(device)
    loss_function = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.001, momentum=0.9)
    for epoch in range(1, options.epochs + 1):
        train_epoch(net, train_loader, loss_function, optimizer, device)
        correct, total = count_correct(net, validation_loader, classes, device)
        print(f"epoch {epoch}: validation accuracy {correct.sum() / total.sum():.1%}")

    torch.save(net.state_dict(), "cifar10_net.pt")
    net = Net(len(classes)).to(device)
    net.load_state_dict(torch.load("cifar10_net.pt", map_location=device, weights_only=True))
    correct, total = count_correct(net, test_loader, classes, device)
    print(f"test accuracy {correct.sum() / total.sum():.1%}")
    for name, share in zip(classes, correct / total, strict=True):
        print(f"{name:>12} {share:.1%}")


if __name__ == "__main__":
    main()
