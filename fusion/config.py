"""All settings of a model, as one tree of frozen objects.

Type, default, allowed range and description of a setting stand where it is declared; docs/settings.md and
``creditfusion settings`` are made from them. A field that a sweep may vary carries a ``Between`` or ``OneOf`` beside
its type, and a ``When`` where it matters only beside a certain value of another. ``fusion.config_file`` reads what
users write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from data_schemas.concepts import Sensitive
from features.augmentation.settings import Kind

Json = dict[str, object]
Setting = str | int | float | bool


@dataclass(frozen=True)
class Between:
    """The range that a sweep searches for a number.

    Attributes:
        low: the least value.
        high: the greatest value.
        log: whether the logarithm is searched evenly instead of the number.
    """

    low: float
    high: float
    log: bool = False


@dataclass(frozen=True)
class OneOf:
    """The choices that a sweep searches.

    Attributes:
        choices: the values, in no order.
    """

    choices: tuple[Setting, ...]


@dataclass(frozen=True)
class When:
    """The condition under which a setting matters; a sweep varies it only there.

    Attributes:
        key: dotted key of another setting.
        value: the value which that one has to have.
    """

    key: str
    value: Setting


class SettingsGroup(BaseModel):
    """A node of the tree: frozen, and strict about unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class EncoderConfig(SettingsGroup):
    """The text encoder: where it comes from and how it reads."""

    source: str = Field(
        "embedded", description="The encoder: 'embedded' (comes with the package), a folder, or 'org/name@revision'."
    )
    engine: Literal["auto", "torch", "openvino", "onnx"] = Field(
        "auto",
        description="What runs the encoder's layers; auto is torch. The others come with the extras of their names.",
    )
    precision: Literal["auto", "bf16", "fp32", "int8"] = Field(
        "auto",
        description="Number format of the forward pass; auto is bf16 where processor and engine have it, else fp32. "
        "int8 needs the engine openvino or onnx.",
    )
    unit: Annotated[Literal["narrative", "sentence"], OneOf(("narrative", "sentence")), When("text.vectors", True)] = (
        Field("narrative", description="Encode a narrative whole, or sentence by sentence and average the vectors.")
    )
    window: Annotated[int, OneOf((128, 256)), When("encoder.unit", "narrative")] = Field(
        256, ge=16, le=512, description="Tokens encoded at once; longer narratives are read in several windows."
    )
    pooling: Annotated[
        Literal["auto", "tokens", "words", "cls"], OneOf(("auto", "words")), When("text.vectors", True)
    ] = Field(
        "auto",
        description="A vector is the mean over all tokens, (words) without the special ones, or (cls, with "
        "encoder.unit = sentence) the first token's; auto: as the encoder's own files say, else tokens.",
    )
    prefix: str = Field(
        "auto", description="Text before every text, such as E5's 'query: '; auto: as the encoder's own files say."
    )
    tuning: Literal["none", "head-layers", "lora", "full"] = Field(
        "none",
        description="What of the encoder learns from the outcomes before the model does: nothing, its top layers, "
        "low-rank additions to them (lora), or all of it.",
    )


class TuningConfig(SettingsGroup):
    """How the encoder learns from outcomes, where encoder.tuning is not none."""

    n_layers: int = Field(2, ge=1, le=48, description="Top layers that head-layers and lora change.")
    rank: int = Field(8, ge=1, le=256, description="Rank of what lora adds to a matrix.")
    n_folds: int = Field(2, ge=2, le=10, description="Folds; one encoder is tuned without each, and they are averaged.")
    epochs: int = Field(2, ge=1, le=100, description="Most passes over the training rows.")
    patience: int = Field(
        1,
        ge=1,
        le=100,
        description="Epochs without a smaller held-out loss after which a fold stops; the best is kept.",
    )
    batch_rows: int = Field(32, ge=1, le=1024, description="Rows of a step.")
    learning_rate: float = Field(1e-4, gt=0, le=1, description="Greatest learning rate, that of the top layer.")
    layer_decay: float = Field(
        0.9, gt=0, le=1, description="Factor of the learning rate from a layer to the one below."
    )
    weight_decay: float = Field(0.01, ge=0, le=1, description="AdamW's decay of the weights.")
    warmup: float = Field(0.1, ge=0, le=1, description="Share of the steps over which the learning rate rises.")
    dropout: float = Field(0.1, ge=0, lt=1, description="Share of the hidden values dropped in training.")
    window: int = Field(
        128,
        ge=8,
        le=512,
        description="Longest piece of a text learned from, in tokens; of a longer text a piece is drawn every epoch.",
    )
    offset: bool = Field(
        True,
        description="Whether the encoder learns what the columns do not say: their log-odds, out of fold, are added.",
    )


class AugmentConfig(SettingsGroup):
    """Variants of narratives that a tuned encoder learns from beside the training rows' own."""

    kinds: tuple[Kind, ...] = Field(
        (),
        description="How narratives are varied, one kind to a copy, in turn: synonyms, masked_words (what a language "
        "model expects), dropout (words left out), back_translation.",
    )
    rate: float = Field(
        0.1,
        gt=0,
        le=1,
        description="Share of a narrative's words that is replaced; of back_translation, its sentences.",
    )
    copies: int = Field(1, ge=1, le=20, description="Variants of each training narrative.")
    protected: tuple[str, ...] = Field(
        (), description="Words and phrases that no variant changes, beside those of the schema; * ends one in any way."
    )
    word_net: str = Field(
        "package", description="The word net of synonyms: that of a package, or a folder of Princeton's WordNet 3."
    )
    masked_words: str = Field(
        "", description="The encoder that names masked words, as encoder.source; empty for encoder.source itself."
    )
    there: str = Field(
        "", description="Translator into another language: a folder of transformers, or argos:en-de where installed."
    )
    back: str = Field("", description="Translator back from it.")


class TextConfig(SettingsGroup):
    """What the model takes from the narratives: their vectors, their words, or both, and their style if asked."""

    vectors: Annotated[bool, OneOf((True, False))] = Field(True, description="Whether the encoder's vectors are used.")
    words: Annotated[bool, OneOf((True, False))] = Field(True, description="Whether the words themselves are used.")
    n_buckets: Annotated[int, OneOf((4096, 16384, 65536)), When("text.words", True)] = Field(
        16384, ge=16, description="Hash buckets for the words of each narrative column."
    )
    ngrams: Annotated[int, Between(1, 2), When("text.words", True)] = Field(
        1, ge=1, le=3, description="Longest word n-gram that is counted."
    )
    style: bool = Field(
        False,
        description="Whether it reads how narratives are written (length, capitals, parts that were cut). Style drifts "
        "and may stand for schooling or native language: `creditfusion probe` examines it, and no reason may name it.",
    )
    min_read: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Least share of a narrative's letters that the encoder's vocabulary knows; one below it counts as "
        "not written and is flagged text_not_read. 0: every narrative is read, if only for its words.",
    )
    mask: tuple[Sensitive, ...] = Field(
        (), description="Kinds of private life whose sentences are removed before the model reads a narrative."
    )


class FoldConfig(SettingsGroup):
    """Out-of-fold training and the weight of older decisions."""

    n_folds: int = Field(5, ge=2, le=20, description="Folds; each is predicted by models trained on the others.")
    n_repeats: int = Field(
        0, ge=0, le=20, description="Times that rows are dealt into folds; 0: three times under 3,000 rows, else once."
    )
    seed: int = Field(0, ge=0, description="Seed of everything random; equal seeds train equal models.")
    half_life_years: Annotated[float, Between(1.0, 1000.0, log=True)] = Field(
        2.0, gt=0, le=1000, description="A decision this much older than the newest weighs half; 1000: all weigh alike."
    )


class HeadConfig(SettingsGroup):
    """The joint head: piecewise-linear columns beside a shrunk linear path over the narratives.

    Penalties are ridge weights on the summed log-likelihood: the larger, the smaller the weights.
    """

    n_bins: Annotated[int, Between(4, 24)] = Field(8, ge=2, description="Quantile bins of each numeric column.")
    column_penalty: Annotated[float, Between(1.0, 300.0, log=True)] = Field(
        30.0, gt=0, description="Ridge penalty on the columns' weights."
    )
    text_penalty: Annotated[float, Between(20.0, 100000.0, log=True), When("text.vectors", True)] = Field(
        20000.0, gt=0, description="Ridge penalty on the weights of the encoder's vectors."
    )
    word_penalty: Annotated[float, Between(0.02, 100.0, log=True)] = Field(
        15.0, gt=0, description="Ridge penalty on the weights of words and of an absent narrative."
    )
    monotone: bool = Field(True, description="Whether the schema's risk directions bind the head.")
    steps: int = Field(150, ge=1, description="Most L-BFGS steps of a fit.")


class StackerConfig(SettingsGroup):
    """The boosted trees over the columns and the text-only heads' out-of-fold log-odds."""

    n_trees: Annotated[int, Between(100, 2000, log=True)] = Field(600, ge=1, description="Trees of each booster.")
    num_leaves: Annotated[int, Between(3, 31)] = Field(7, ge=2, le=64, description="Most leaves of a tree.")
    learning_rate: Annotated[float, Between(0.005, 0.1, log=True)] = Field(
        0.02, gt=0, description="Share of each tree's correction that is taken."
    )
    min_leaf_rows: Annotated[int, Between(5, 300, log=True)] = Field(
        60, ge=1, description="Fewest training rows in a leaf."
    )
    l2: Annotated[float, Between(0.1, 100.0, log=True)] = Field(
        10.0, ge=0, description="Ridge penalty on the leaves' values."
    )
    column_share: Annotated[float, Between(0.2, 1.0)] = Field(
        0.4, gt=0, le=1, description="Share of the columns drawn for each tree."
    )
    row_share: Annotated[float, Between(0.4, 1.0)] = Field(
        0.7, gt=0, le=1, description="Share of the training rows drawn for each tree."
    )
    max_depth: Annotated[int, Between(3, 8)] = Field(
        6, ge=1, le=8, description="Most splits on a path, which bounds the tables of exact attribution."
    )
    text_components: Annotated[int, OneOf((0, 30))] = Field(
        0, ge=0, le=100, description="Components of each narrative's vector, and of its words, that the trees get too."
    )
    monotone: bool = Field(True, description="Whether the schema's risk directions bind the trees.")


class ScaleConfig(SettingsGroup):
    """The scale of points, on which more is better."""

    base_score: float = Field(600.0, description="Score at the base odds.")
    base_odds: float = Field(20.0, gt=0, description="Good:bad odds at the base score.")
    pdo: float = Field(40.0, gt=0, description="Points that double the good:bad odds.")


class DecisionConfig(SettingsGroup):
    """The cut-off of the decision column."""

    max_pd: float = Field(
        0.0, ge=0, lt=1, description="Approve up to this PD, decline above it; 0: 1.4 times the odds of the bad rate."
    )


class ExplainConfig(SettingsGroup):
    """What decisions are explained against; part of the model, so that every explanation of it has one baseline."""

    background: Literal["all", "near_cutoff"] = Field(
        "all", description="Absent columns are drawn from all training applicants, or from those just approved."
    )
    near_share: float = Field(
        0.2, gt=0, le=1, description="For near_cutoff: the share of the training applicants that is drawn from."
    )
    max_rows: int = Field(100_000, ge=1, description="Most training applicants kept in the bundle, drawn at random.")
    min_points: float = Field(1.0, ge=0, description="Fewest points that a reason takes from the score.")


class Config(SettingsGroup):
    """All settings of a model.

    Attributes:
        encoder: the text encoder.
        tuning: how the encoder learns from outcomes.
        augment: variants of narratives to learn from.
        text: what is taken from the narratives.
        folds: out-of-fold training.
        head: the joint head.
        stacker: the boosted trees.
        scale: the scale of points.
        decision: the cut-off.
        explain: what decisions are explained against.
    """

    encoder: EncoderConfig = EncoderConfig()
    tuning: TuningConfig = TuningConfig()
    augment: AugmentConfig = AugmentConfig()
    text: TextConfig = TextConfig()
    folds: FoldConfig = FoldConfig()
    head: HeadConfig = HeadConfig()
    stacker: StackerConfig = StackerConfig()
    scale: ScaleConfig = ScaleConfig()
    decision: DecisionConfig = DecisionConfig()
    explain: ExplainConfig = ExplainConfig()


def valid_keys() -> list[str]:
    """Every setting by its dotted key, in order."""
    return [f"{section}.{key}" for section, node in Config() for key in type(node).model_fields]


def given_settings(config: Config) -> frozenset[str]:
    """Dotted keys of the settings that were given, not left at their default."""
    return frozenset(f"{section}.{key}" for section, node in config for key in node.model_fields_set)


def with_settings(config: Config, settings: Mapping[str, Setting]) -> Config:
    """The same but for some settings, by dotted key; their values are not checked."""
    for key, value in settings.items():
        section, _, name = key.partition(".")
        node = getattr(config, section).model_copy(update={name: value})
        config = config.model_copy(update={section: node})
    return config
