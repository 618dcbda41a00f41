// Layers: experiments that must not meet share a layer, and a unit is in at most one of them; experiments in
// different layers split independently of each other (Tang et al., "Overlapping Experiment Infrastructure", 2010).
import { invalidArgument } from '../stats/argument.ts';
import { type Assigner, type AssignmentRule, checkSalt, createAssigner, unitFraction } from './assignment.ts';

export interface LayerSlot {
  experiment: string;
  /** Its part of the layer, [from, to) within [0, 1]. Written out, so that ending one experiment moves no other. */
  from: number;
  to: number;
}

export interface Layer {
  name: string;
  slots: readonly LayerSlot[];
}

export interface Allocation {
  layers: readonly Layer[];
  /** By name; one that no layer names takes all units. */
  experiments: Readonly<Record<string, AssignmentRule>>;
}

/**
 * A function from a unit to its variants, by experiment; experiments it takes no part in are absent. Throws
 * `invalid-argument` where slots overlap or leave [0, 1], an experiment is unknown or in two layers, or two
 * experiments have the same salt.
 */
export function createAllocator({
  layers,
  experiments,
}: Allocation): (unit: string) => Record<string, string> {
  const assigners = new Map<string, Assigner>();
  const salts = new Set<string>();
  for (const [name, rule] of Object.entries(experiments)) {
    if (salts.has(rule.salt))
      throw invalidArgument('Two experiments have the same salt.', { salt: rule.salt });
    salts.add(rule.salt);
    assigners.set(name, createAssigner(rule));
  }
  const layered = new Set<string>();
  for (const { name, slots } of layers) {
    checkSalt(name);
    checkSlots(name, slots);
    for (const { experiment } of slots) {
      if (!assigners.has(experiment))
        throw invalidArgument('A layer names an unknown experiment.', { experiment });
      if (layered.has(experiment)) throw invalidArgument('An experiment is in two slots.', { experiment });
      layered.add(experiment);
    }
  }
  const free = [...assigners.keys()].filter(name => !layered.has(name));
  return unit => {
    const candidates = [...free];
    for (const { name, slots } of layers) {
      const at = unitFraction(`layer/${name}`, unit);
      const slot = slots.find(({ from, to }) => from <= at && at < to);
      if (slot) candidates.push(slot.experiment);
    }
    const result: Record<string, string> = {};
    for (const experiment of candidates) {
      const variant = assigners.get(experiment)!(unit);
      if (variant !== undefined) result[experiment] = variant;
    }
    return result;
  };
}

function checkSlots(layer: string, slots: readonly LayerSlot[]): void {
  const ordered = [...slots].sort((a, b) => a.from - b.from);
  let end = 0;
  for (const { experiment, from, to } of ordered) {
    if (!(from >= 0 && to <= 1 && from < to)) {
      throw invalidArgument('A slot must be a span within [0, 1].', { layer, experiment, from, to });
    }
    if (from < end) throw invalidArgument('Two slots of a layer overlap.', { layer, experiment, from });
    end = to;
  }
}
