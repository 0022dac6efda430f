"""The model card that lies in every bundle: what the model is, what it learned from, how good it was."""

from __future__ import annotations

from collections.abc import Mapping

from jinja2 import Environment, StrictUndefined

from data_schemas.contract import Schema
from data_schemas.fields import Role
from experiments.reporting.policies import policy_words
from experiments.train.choices import choice_table
from experiments.train.report import Judgement
from experiments.train.slices import slice_lines
from fusion.bundle import Provenance

CARD = """\
# Model card: {{ schema.title }}

A creditfusion model: probability of default from {{ schema.features | length }} structured columns,
{{ schema.derived | length }} features derived from them and {{ schema.narratives | length }} narrative columns
({{ schema.narratives | map(attribute="name") | join(", ") }}).
{% if schema.sources %}{% for source in schema.sources %}Of these, {{ schema.fields_from(source.name) | length }} \
are made of the records of {{ source.title }} (`{{ source.name }}`). {% endfor %}
{% endif %}
- Learned from {{ "{:,}".format(made.n_rows) }} applications, {{ "{:,}".format(made.n_bad) }} of them bad\
{% if made.window %}, decided {{ made.window[0] }} to {{ made.window[1] }}{% endif %}.
- Never seen by the model: {{ unseen | join(", ") or "nothing was withheld" }}.
{% if later %}- Known only later, and read in training alone: {{ later | join(", ") }}.
{% endif %}{% if masked %}- Cut from the narratives before they were read: sentences that tell of \
{% for kind, n in masked.items() %}{{ kind | replace("_", " ") }} (of {{ "{:,}".format(n) }} applications)\
{% if not loop.last %}, {% endif %}{% endfor %}.
{% endif %}- Cut-off: {{ found.cut_off.words }}.
{% if found.policy %}- Policy in the bundle, which decides in the cut-off's place where no other is given: \
{{ policy_words(found.policy) }} (`{{ found.policy.digest[:12] }}`).
{% endif %}- Seed {{ made.seed }}; {{ versions | join(", ") }}.

## Findings of the training

{% for finding in found.findings %}- {{ finding.severity | capitalize }}: {{ finding.sentence }} {{ finding.remedy }}
{% endfor %}{% if not found.findings %}None.
{% endif %}
## Figures
{% for name, lines in slices.items() %}
### {{ name }}

| figure | value |
|---|---|
{% for key, value in lines.items() %}| {{ key }} | {{ value }} |
{% endfor %}{% endfor %}
"Out of fold" rows were scored by a head and by trees fitted without their outcome. It did take part in smaller ways:
the weights of the blend were fitted on these very rows, so their calibration slope is 1 by construction, and
the text log-odds that the trees learned from came from heads of other folds. "After" rows, decided after the training
window, and those held out at random took part in nothing: judge by them where there are any.
"AUC columns" and "AUC text" belong to the ablations: the same machinery without any narrative, and narratives alone.
"Text's worth" is the AUC of the model minus the first of these, with DeLong's 95 % interval. "Slope" is that of the
outcome on the log-odds: 1 is calibrated, less is overconfident.
{% if schema.sources %}"Worth of" a source is the AUC of the model minus that of the same machinery without what is
made of its records, with the same interval; that of `sources` leaves the application alone.
{% endif %}{% if found.plain %}
### Against the plain pipeline

{% for name, words in found.plain.lines().items() %}- {{ name }}: {{ words }}
{% endfor %}
The plain pipeline is the best, by out-of-fold log-loss, of LightGBM on the columns, a logistic regression on the
TF-IDF of words and pairs of words, and LightGBM on both. It was fitted on the same rows and folds.
{% endif %}
{% if found.tuning %}
## How the encoder learned

{% for name, words in found.tuning.lines().items() %}- {{ name }}: {{ words }}
{% endfor %}
A training row's vectors come from an encoder that never saw its outcome; all other rows are read by the mean of these
encoders, which lies in the bundle.
{% endif %}
## The blend

{% for member in found.members %}- {{ member.name }}: {% if member.weight %}{{ "%.3f" | format(member.weight) }}\
{% else %}left out, because it did not help{% endif %}

{% endfor %}
Weights are log-odds of bad per unit of a member's output; heads are linear, members on an auxiliary outcome were
taught by what became known later.
{% if chosen %}
## How the settings were chosen

{{ chosen }}
Log-loss in nats, out of fold on the training rows (for the weight of older decisions on newer rows). Of the options no
worse than the best by one standard error of their difference the simplest was taken.
{% endif %}
## Explanations

{{ explained }}

## Use

For ranking and pricing applications like those it learned from. Not for other products, countries or times without
validation on their own outcomes; it was learned from granted loans only, so it says less of applicants who would have
been refused.

## Digests

schema {{ made.schema_digest }}
config {{ made.config_digest }}
data {{ made.data_digest }}
encoder {{ made.encoder_digest }}
"""


def model_card(
    schema: Schema,
    made: Provenance,
    found: Judgement,
    masked: Mapping[str, int],
    explained: str,
) -> str:
    """The card as Markdown; equal input, equal bytes.

    Args:
        schema: of the applications.
        made: where the model comes from.
        found: what the model came to.
        masked: rows of which something was cut, by sensitive kind.
        explained: what explanations of the model compare with.
    """
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
    unseen = [field.name for field in schema.fields_of(Role.PROTECTED, Role.IGNORED, Role.GROUP)]
    later = [field.name for field in schema.fields_of(Role.AUXILIARY)]
    versions = [f"{name} {version}" for name, version in sorted(made.versions.items())]
    return environment.from_string(CARD).render(
        schema=schema,
        made=made,
        found=found,
        slices={part.name: slice_lines(part) for part in found.slices},
        masked=masked,
        explained=explained,
        chosen=choice_table(found.choices) if found.choices else "",
        unseen=unseen,
        later=later,
        versions=versions,
        policy_words=policy_words,
    )
