"use strict";
// Numbers as words, for this viewer and for those that borrow from it.
(() => {
  const B = (Glasshouse.boundary ??= {});
  B.digits = (value) => {
    if (!Number.isFinite(value)) return "not finite";
    const size = Math.abs(value), text = size === 0 ? "0" : size >= 10_000 || size < 0.001 ? size.toExponential(1) : size >= 100 ? size.toFixed(0) : String(Number(size.toPrecision(3)));
    return (value < 0 ? `−${text}` : text).replace(/e([+-]\d+)/, (_, power) => ` × ${B.power(Number(power))}`);
  };
  B.power = (exponent) => `10${[...String(exponent)].map((sign) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(sign)]).join("")}`;
  B.plural = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;
  B.inUnits = (axis, value) => {
    const shown = axis.mean + axis.scale * value;
    return B.digits(Math.abs(shown) < 1e-9 ? 0 : Number(shown.toPrecision(3)));
  };
})();
