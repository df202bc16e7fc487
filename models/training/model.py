"""The Llama architecture in plain PyTorch, small enough to train on a CPU.

Parameter names are those of Hugging Face's LlamaForCausalLM, so that a state dictionary is already a checkpoint.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class ModelConfig:
    """Heads, key/value heads and feed-forward width divide by 2, 3 and 4; every width is a multiple of 32."""

    vocabulary_size: int = 768
    hidden_size: int = 192
    layers: int = 6
    heads: int = 12
    key_value_heads: int = 12
    head_size: int = 32
    feed_forward_size: int = 384
    context_length: int = 512
    rope_theta: float = 10_000.0
    norm_epsilon: float = 1e-5


class RootMeanSquareNorm(nn.Module):
    def __init__(self, size: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        return functional.rms_norm(x, self.weight.shape, self.weight, self.epsilon)


def rotation_table(config: ModelConfig) -> tuple[Tensor, Tensor]:
    """Cosines and sines of rotary position embedding (Su et al. 2021), each [context_length, head_size]."""
    half = config.head_size // 2
    frequencies = config.rope_theta ** (-torch.arange(half, dtype=torch.float32) / half)
    angles = torch.outer(torch.arange(config.context_length, dtype=torch.float32), frequencies).repeat(1, 2)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
    first, second = x.chunk(2, dim=-1)
    return x * cosines + torch.cat((-second, first), dim=-1) * sines


class Attention(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        width, key_value_width = config.heads * config.head_size, config.key_value_heads * config.head_size
        self.q_proj = nn.Linear(config.hidden_size, width, bias=False)
        self.k_proj = nn.Linear(config.hidden_size, key_value_width, bias=False)
        self.v_proj = nn.Linear(config.hidden_size, key_value_width, bias=False)
        self.o_proj = nn.Linear(width, config.hidden_size, bias=False)

    def forward(self, x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
        batch, length, _ = x.shape

        def split(projected: Tensor) -> Tensor:
            return projected.view(batch, length, -1, self.config.head_size).transpose(1, 2)

        query = rotate(split(self.q_proj(x)), cosines, sines)
        key = rotate(split(self.k_proj(x)), cosines, sines)
        value = split(self.v_proj(x))
        # Written out, because the backward pass of PyTorch's fused attention takes half of a training step on a CPU.
        groups = self.config.heads // self.config.key_value_heads
        if groups > 1:
            key, value = key.repeat_interleave(groups, dim=1), value.repeat_interleave(groups, dim=1)
        scores = (query * self.config.head_size**-0.5) @ key.transpose(-1, -2)
        hidden = torch.full((length, length), float("-inf"), dtype=scores.dtype).triu(1)
        attended = torch.softmax(scores + hidden, dim=-1, dtype=scores.dtype) @ value
        return self.o_proj(attended.transpose(1, 2).reshape(batch, length, -1))


class FeedForward(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden_size, config.feed_forward_size, bias=False)
        self.up_proj = nn.Linear(config.hidden_size, config.feed_forward_size, bias=False)
        self.down_proj = nn.Linear(config.feed_forward_size, config.hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.input_layernorm = RootMeanSquareNorm(config.hidden_size, config.norm_epsilon)
        self.self_attn = Attention(config)
        self.post_attention_layernorm = RootMeanSquareNorm(config.hidden_size, config.norm_epsilon)
        self.mlp = FeedForward(config)

    def forward(self, x: Tensor, cosines: Tensor, sines: Tensor) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), cosines, sines)
        return x + self.mlp(self.post_attention_layernorm(x))


class Decoder(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocabulary_size, config.hidden_size)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.norm = RootMeanSquareNorm(config.hidden_size, config.norm_epsilon)
        cosines, sines = rotation_table(config)
        self.register_buffer("cosines", cosines, persistent=False)
        self.register_buffer("sines", sines, persistent=False)

    def forward(self, ids: Tensor) -> Tensor:
        """[batch, length] token ids to [batch, length, hidden_size]."""
        x = self.embed_tokens(ids)
        cosines, sines = self.cosines[: ids.shape[1]], self.sines[: ids.shape[1]]
        for layer in self.layers:
            x = layer(x, cosines, sines)
        return self.norm(x)


class LanguageModel(nn.Module):
    """A decoder whose output matrix is its embedding matrix."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.model = Decoder(config)
        self.apply(self.initialise)
        for name, parameter in self.named_parameters():
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                nn.init.normal_(parameter, std=0.02 / (2 * config.layers) ** 0.5)

    @staticmethod
    def initialise(module: nn.Module) -> None:
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=module.in_features**-0.5 * 0.5)
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.05)

    def logits(self, hidden: Tensor) -> Tensor:
        return functional.linear(hidden, self.model.embed_tokens.weight)

    def loss(self, ids: Tensor, labels: Tensor) -> Tensor:
        """Mean cross entropy over the positions whose label is not negative; only these reach the vocabulary."""
        learnt = labels >= 0
        return functional.cross_entropy(self.logits(self.model(ids)[learnt]).float(), labels[learnt])
