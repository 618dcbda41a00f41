// approx_top_k(x, k) and approx_frequency(x, item): a frequent-items summary (Misra–Gries) a group. Its counts are off by
// at most 2.67·n/m with certainty, n the group's rows and m its table (the power of two from 32·k, at least 256);
// exact while a group has at most 0.75·m different values.

import { FrequentStrings } from '../../analyze/sketch/frequency/frequent-items.ts';
import { frequencyPlaces } from '../plan/frequency-error.ts';
import { scalarOrder } from '../plan/functions/scalar-order.ts';
import type { Vector } from '../plan/vector.ts';
import type { AggregateValue } from './accumulator.ts';
import { itemOf, itemText } from './item-text.ts';
import { type Scalar, scalarAt } from './scalar.ts';
import { SketchSlots } from './sketch-slots.ts';

export type FrequencyQuestion = { top: number } | { item: Scalar };

export class FrequencyAccumulator extends SketchSlots<FrequentStrings> {
  private readonly question: FrequencyQuestion;
  private readonly size: number;

  constructor(question: FrequencyQuestion) {
    super();
    this.question = question;
    this.size = frequencyPlaces(question);
  }

  update(args: readonly Vector[], rows: number, slots: Int32Array): void {
    const vector = args[0]!;
    for (let row = 0; row < rows; row++) {
      const slot = slots[row]!;
      if (slot >= 0 && vector.valid[row] === 1) this.at(slot).update(itemText(scalarAt(vector, row)!));
    }
  }

  value(slot: number): AggregateValue {
    const sketch = this.sketches[slot];
    if ('item' in this.question) return sketch?.bounds(itemText(this.question.item)).upper ?? 0;
    if (sketch === undefined) return null;
    const { top } = this.question;
    const found = sketch
      .top(sketch.retained)
      .map(({ item, estimate }) => ({ value: itemOf(item), count: estimate }));
    found.sort((a, b) => b.count - a.count || scalarOrder(a.value, b.value));
    return found.slice(0, top);
  }

  protected make(): FrequentStrings {
    return new FrequentStrings(this.size);
  }
  protected join(target: FrequentStrings, source: FrequentStrings): void {
    target.merge(source);
  }
  protected revive(bytes: Uint8Array): FrequentStrings {
    return FrequentStrings.deserialize(bytes);
  }
  protected bytesOf(sketch: FrequentStrings): number {
    return 200 + sketch.retained * 80;
  }
}
