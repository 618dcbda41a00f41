// Typed arrays that grow with the slots: a longer copy whose new part is zero.

type Growable = Float64Array | Uint32Array | Int32Array | Uint8Array;

export function grown<Values extends Growable>(values: Values, length: number): Values {
  if (values.length >= length) return values;
  const longer = new (values.constructor as new (length: number) => Values)(length);
  longer.set(values);
  return longer;
}
