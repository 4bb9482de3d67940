"""The functions of PromQL and the types of their arguments, as Prometheus 3.16 has them."""

from __future__ import annotations

from dataclasses import dataclass

from accelerapp.server.promql.ast import ValueType

_SCALAR, _STRING, _VECTOR, _MATRIX = ValueType.SCALAR, ValueType.STRING, ValueType.VECTOR, ValueType.MATRIX


@dataclass(frozen=True, slots=True)
class Signature:
    """What a function takes and gives.

    Where `variadic` is not 0, the last of `arguments` may be left out, or given as many times; without limit where it
    is -1. An experimental function is refused, as Prometheus refuses it without its feature flag.
    """

    arguments: tuple[ValueType, ...]
    variadic: int = 0
    returns: ValueType = _VECTOR
    experimental: bool = False


def _all(names: str, signature: Signature) -> dict[str, Signature]:
    return dict.fromkeys(names.split(), signature)


SIGNATURES: dict[str, Signature] = {
    **_all(
        "abs absent acos acosh asin asinh atan atanh ceil cos cosh deg exp floor histogram_avg histogram_count "
        "histogram_stddev histogram_stdvar histogram_sum ln log10 log2 rad sgn sin sinh sort sort_desc sqrt tan tanh "
        "timestamp",
        Signature((_VECTOR,)),
    ),
    **_all(
        "absent_over_time avg_over_time changes count_over_time delta deriv first_over_time idelta increase irate "
        "last_over_time max_over_time min_over_time present_over_time rate resets stddev_over_time stdvar_over_time "
        "sum_over_time",
        Signature((_MATRIX,)),
    ),
    **_all(
        "day_of_month day_of_week day_of_year days_in_month hour minute month year",
        Signature((_VECTOR,), variadic=1),
    ),
    **_all("clamp_max clamp_min", Signature((_VECTOR, _SCALAR))),
    **_all("pi time", Signature((), returns=_SCALAR)),
    "clamp": Signature((_VECTOR, _SCALAR, _SCALAR)),
    "histogram_fraction": Signature((_SCALAR, _SCALAR, _VECTOR)),
    "histogram_quantile": Signature((_SCALAR, _VECTOR)),
    "label_join": Signature((_VECTOR, _STRING, _STRING, _STRING), variadic=-1),
    "label_replace": Signature((_VECTOR, _STRING, _STRING, _STRING, _STRING)),
    "predict_linear": Signature((_MATRIX, _SCALAR)),
    "quantile_over_time": Signature((_SCALAR, _MATRIX)),
    "round": Signature((_VECTOR, _SCALAR), variadic=1),
    "scalar": Signature((_VECTOR,), returns=_SCALAR),
    "vector": Signature((_SCALAR,)),
    **_all("end range start step", Signature((), returns=_SCALAR, experimental=True)),
    **_all("max_of min_of", Signature((_SCALAR, _SCALAR), returns=_SCALAR, experimental=True)),
    **_all(
        "mad_over_time ts_of_first_over_time ts_of_last_over_time ts_of_max_over_time ts_of_min_over_time",
        Signature((_MATRIX,), experimental=True),
    ),
    **_all("sort_by_label sort_by_label_desc", Signature((_VECTOR, _STRING), variadic=-1, experimental=True)),
    "double_exponential_smoothing": Signature((_MATRIX, _SCALAR, _SCALAR), experimental=True),
    "histogram_quantiles": Signature((_VECTOR, _STRING, _SCALAR, _SCALAR), variadic=9, experimental=True),
    "info": Signature((_VECTOR, _VECTOR), variadic=1, experimental=True),
    "integral": Signature((_MATRIX, _SCALAR), variadic=1, experimental=True),
    "start_timestamp": Signature((_VECTOR,), experimental=True),
}
