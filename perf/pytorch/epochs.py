"""Seconds an epoch of the same training in PyTorch: beside `recotrain fit`, the baseline of its speed.

    apt install python3-torch python3-numpy
    python3 perf/pytorch/epochs.py ../shared/data/ml-1m/ml-1m.txt gru --epochs 3 --threads 1

Network, users, batches, steps and loss are those of `recotrain fit --threads 1 --network NAME` as it is by default: d 64, the newest 200 watches,
tied output, softmax over all items, Adam, gradients no longer than 5. A GRU takes a batch of 128 users with histories of like length a step, SASRec 128
users at random in four batches of 32, ordered by length. Only training is timed.
"""

import argparse
import random
import time

import torch
from torch import nn
from torch.nn import functional as F

DIMENSION, LONGEST, CLIP = 64, 200, 5.0


class Gru(nn.Module):
    """One layer of torch's GRU."""

    dropout, rate, batch, accumulate, scale = 0.2, 5e-3, 128, 1, 1.0

    def __init__(self):
        super().__init__()
        self.layer = nn.GRU(DIMENSION, DIMENSION, batch_first=True)

    def forward(self, x):
        return self.layer(x)[0]


class SasRecBlock(nn.Module):
    """Queries from the normed input, keys and values from the input, residuals around from the normed side."""

    def __init__(self, dropout):
        super().__init__()
        self.attention = nn.MultiheadAttention(DIMENSION, 1, batch_first=True)
        self.attention_norm, self.forward_norm = nn.LayerNorm(DIMENSION), nn.LayerNorm(DIMENSION)
        self.inner, self.outer = nn.Linear(DIMENSION, DIMENSION), nn.Linear(DIMENSION, DIMENSION)
        self.drop = nn.Dropout(dropout)

    def forward(self, x, later):
        q = self.attention_norm(x)
        y = self.forward_norm(q + self.drop(self.attention(q, x, x, attn_mask=later, need_weights=False)[0]))
        return y + self.drop(self.outer(self.drop(self.inner(y).relu_())))


class SasRec(nn.Module):
    """Learned positions, two blocks, a last norm."""

    dropout, rate, batch, accumulate, scale = 0.2, 1e-3, 32, 4, DIMENSION**0.5

    def __init__(self):
        super().__init__()
        self.positions = nn.Parameter(torch.randn(LONGEST + 1, DIMENSION) * 0.02)
        self.blocks = nn.ModuleList(SasRecBlock(self.dropout) for _ in range(2))
        self.norm = nn.LayerNorm(DIMENSION)

    def forward(self, x):
        length = x.shape[1]
        later = torch.ones(length, length, dtype=torch.bool).triu(1)
        x = F.dropout(x + self.positions[:length], self.dropout, self.training)
        for block in self.blocks:
            x = block(x, later)
        return self.norm(x)


class NextWatch(nn.Module):
    """An encoder between item vectors that are read and scored. Item 0 is the start marker."""

    def __init__(self, encoder, items):
        super().__init__()
        self.encoder = encoder
        self.items = nn.Embedding(items + 1, DIMENSION)
        nn.init.normal_(self.items.weight, std=0.05)
        self.bias = nn.Parameter(torch.zeros(items + 1))

    def loss(self, users):
        """The mean over all watches of the batch: [users, length] of items with the start marker, and each one's next."""
        length = max(map(len, users))
        watched = torch.tensor([u + [0] * (length - len(u)) for u in users])
        read = F.pad(watched[:, :-1], (1, 0))
        states = self.encoder(F.dropout(self.items(read) * self.encoder.scale, self.encoder.dropout, self.training))
        learned = watched > 0
        states = F.dropout(states[learned], self.encoder.dropout, self.training)
        return F.cross_entropy(F.linear(states, self.items.weight, self.bias), watched[learned])


def read_users(path, longest):
    """The newest watches of every user that are for training: all but the last two, of users with three or more."""
    users = {}
    with open(path) as lines:
        for line in lines:
            user, item = line.split()
            users.setdefault(user, []).append(int(item))
    return [(u[:-2] if len(u) >= 3 else u)[-longest:] for u in users.values()]


def batches(users, encoder):
    """Batches of an epoch in the order of training."""
    random.shuffle(users)
    pool = encoder.batch * (encoder.accumulate if encoder.accumulate > 1 else 16)
    result = []
    for p in range(0, len(users), pool):
        ordered = sorted(users[p : p + pool], key=len)
        result += [ordered[b : b + encoder.batch] for b in range(0, len(ordered), encoder.batch)]
    if encoder.accumulate == 1:
        random.shuffle(result)
    return result


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("data", help="user and item a line, in time order, items from 1")
    arguments.add_argument("network", choices=["gru", "sasrec"])
    arguments.add_argument("--epochs", type=int, default=3)
    arguments.add_argument("--threads", type=int, default=1)
    given = arguments.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(1)
    random.seed(1)
    encoder = Gru() if given.network == "gru" else SasRec()
    users = read_users(given.data, LONGEST if given.network == "gru" else LONGEST + 1)
    network = NextWatch(encoder, max(map(max, users)))
    adam = torch.optim.Adam(network.parameters(), lr=encoder.rate)
    for epoch in range(1, given.epochs + 1):
        begun, total, rows = time.monotonic(), 0.0, 0
        parts = batches(users, encoder)
        for step in range(0, len(parts), encoder.accumulate):
            group = parts[step : step + encoder.accumulate]
            counts = [sum(map(len, part)) for part in group]
            adam.zero_grad()
            for part, count in zip(group, counts):
                loss = network.loss(part)
                (loss * count / sum(counts)).backward()
                total, rows = total + loss.item() * count, rows + count
            nn.utils.clip_grad_norm_(network.parameters(), CLIP)
            adam.step()
        seconds = time.monotonic() - begun
        print(f"epoch {epoch:3}  loss {total / rows:.4f}  {seconds:.1f} s  {rows / seconds:,.0f} positions/s", flush=True)


main()
