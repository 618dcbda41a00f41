// sample(x, k): a uniform sample of k of the group's values, without replacement; NULLs are left out. Merging draws as one
// draw from all would, so the sample stays uniform over partitions and resolutions.
import { ReservoirStrings } from '../../analyze/sketch/sampling/reservoir.ts';
import { Rng } from '../../core/rng.ts';
import type { Vector } from '../plan/vector.ts';
import type { AggregateValue } from './accumulator.ts';
import { itemOf, itemText } from './item-text.ts';
import { scalarAt, scalarsBytes } from './scalar.ts';
import { SketchSlots } from './sketch-slots.ts';

export class SampleAccumulator extends SketchSlots<ReservoirStrings> {
  private readonly size: number;
  // One generator for all slots: reservoirs that began alike would all keep the same positions.
  private readonly rng = new Rng(20261122);

  constructor(size: number) {
    super();
    this.size = size;
  }

  update(args: readonly Vector[], rows: number, slots: Int32Array): void {
    const vector = args[0]!;
    for (let row = 0; row < rows; row++) {
      const slot = slots[row]!;
      if (slot >= 0 && vector.valid[row] === 1) this.at(slot).update(itemText(scalarAt(vector, row)!));
    }
  }

  value(slot: number): AggregateValue {
    return this.sketches[slot]?.items.map(itemOf) ?? null;
  }

  protected make(): ReservoirStrings {
    return new ReservoirStrings(this.size, this.rng);
  }
  protected join(target: ReservoirStrings, source: ReservoirStrings): void {
    target.merge(source);
  }
  protected revive(bytes: Uint8Array): ReservoirStrings {
    return ReservoirStrings.deserialize(bytes, this.rng);
  }
  protected bytesOf(sketch: ReservoirStrings): number {
    return 120 + scalarsBytes(sketch.items);
  }
}
