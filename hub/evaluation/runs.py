"""Score runs: named by all they depend on, so that anybody can repeat one and compare. Pure.

The same scheme, inputs and code give the same run id and the same result; who disputes a score asks for the inputs
and runs it again (D16 of the domain notes).
"""

import hashlib
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

import msgspec
from msgspec import Struct

from hub.evaluation.composite import RunInputs, UnitScore, composite_scores
from hub.evaluation.schemes import CompositeScheme, TreeScheme
from hub.evaluation.sources import InputSource
from hub.evaluation.tree import NodeInput, TreeScore, tree_score

#: Version of the rules in code; a change of what the same scheme and inputs give is a new one.
CODE_VERSION = "sanji-scores/1"


class ScoreRun(Struct, frozen=True, kw_only=True):
    """A run with all it depends on. Digests are SHA-256 in hex; ``run_id`` is made of the two and ``code_version``."""

    run_id: str
    code_version: str
    scheme: CompositeScheme
    scheme_digest: str
    inputs: RunInputs
    input_digest: str
    scores: tuple[UnitScore, ...]
    result_digest: str


def run_scores(scheme: CompositeScheme, inputs: RunInputs) -> ScoreRun:
    """Makes a run.

    Raises:
        InputInvalid: the inputs do not suffice.
    """
    scores = composite_scores(scheme, inputs)
    scheme_digest, input_digest = digest_of(scheme), digest_of(inputs)
    return ScoreRun(
        run_id=digest_of([CODE_VERSION, scheme_digest, input_digest])[:32],
        code_version=CODE_VERSION,
        scheme=scheme,
        scheme_digest=scheme_digest,
        inputs=inputs,
        input_digest=input_digest,
        scores=scores,
        result_digest=digest_of(scores),
    )


class TreeInputs(Struct, frozen=True, kw_only=True):
    """All a run of a tree needs: the period's name, and the inputs by indicator."""

    period: str
    nodes: Mapping[str, NodeInput]


class TreeRun(Struct, frozen=True, kw_only=True):
    """A run of a tree with all it depends on; fields as in ``ScoreRun``."""

    run_id: str
    code_version: str
    scheme: TreeScheme
    scheme_digest: str
    inputs: TreeInputs
    input_digest: str
    scores: TreeScore
    result_digest: str


Run = ScoreRun | TreeRun


class KeptRun(Struct, frozen=True, kw_only=True):
    """A run of units with where its inputs came from. The sources are no part of its id: they say when, not what."""

    run: ScoreRun
    sources: tuple[InputSource, ...]


class KeptTree(Struct, frozen=True, kw_only=True):
    """A run of a tree with where its inputs came from."""

    run: TreeRun
    sources: tuple[InputSource, ...]


Kept = KeptRun | KeptTree
#: Kind of a run, as the ledger names it, to its form.
FORMS: Final[Mapping[str, type[Kept]]] = {"composite": KeptRun, "tree": KeptTree}


def run_tree(scheme: TreeScheme, inputs: TreeInputs) -> TreeRun:
    """Makes a run of a tree.

    Raises:
        InputInvalid: an input cannot be scored.
    """
    scores = tree_score(scheme, inputs.nodes)
    scheme_digest, input_digest = digest_of(scheme), digest_of(inputs)
    return TreeRun(
        run_id=digest_of([CODE_VERSION, scheme_digest, input_digest])[:32],
        code_version=CODE_VERSION,
        scheme=scheme,
        scheme_digest=scheme_digest,
        inputs=inputs,
        input_digest=input_digest,
        scores=scores,
        result_digest=digest_of(scores),
    )


def is_reproduced(run: Run) -> bool:
    """Tells whether a kept run comes out the same today: same code version, same digests, same scores."""
    again = run_scores(run.scheme, run.inputs) if isinstance(run, ScoreRun) else run_tree(run.scheme, run.inputs)
    return again == run


def digest_of(value: Any) -> str:
    """Returns the SHA-256 of a value in one written form: keys sorted, fractions as ``n/d``."""
    return hashlib.sha256(msgspec.json.encode(value, enc_hook=_written, order="sorted")).hexdigest()


def write_run(run: Run | Kept) -> bytes:
    """Returns a run as JSON, to be kept."""
    return msgspec.json.encode(run, enc_hook=_written, order="sorted")


def read_run(content: bytes) -> ScoreRun:
    """Returns a run that was kept.

    Raises:
        msgspec.DecodeError: it is none.
    """
    return msgspec.json.decode(content, type=ScoreRun, dec_hook=_read)


def read_kept(kind: str, content: bytes) -> Kept:
    """Returns a run of the ledger with its sources.

    Raises:
        msgspec.DecodeError: it is none of that kind.
    """
    return msgspec.json.decode(content, type=FORMS[kind], dec_hook=_read)


def _written(value: Any) -> str:
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    raise NotImplementedError(type(value))


def _read(kind: type, value: Any) -> Any:
    if kind is Fraction and isinstance(value, str):
        return Fraction(value)
    raise NotImplementedError(kind)
