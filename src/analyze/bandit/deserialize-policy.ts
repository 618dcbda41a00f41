// A policy from its serialised form, whichever it is: for stores that hold many kinds.
import { banditKind, corruptBandit } from './bandit-bytes.ts';
import { EpsilonGreedy } from './epsilon-greedy.ts';
import { Exp3 } from './exp3.ts';
import { KlUcb } from './kl-ucb.ts';
import type { Policy } from './policy.ts';
import { Softmax } from './softmax.ts';
import { BernoulliThompson, GaussianThompson } from './thompson.ts';
import { Ucb1 } from './ucb1.ts';

const restorers: Record<number, (bytes: Uint8Array) => Policy> = {
  [banditKind.epsilonGreedy]: bytes => EpsilonGreedy.deserialize(bytes),
  [banditKind.softmax]: bytes => Softmax.deserialize(bytes),
  [banditKind.ucb1]: bytes => Ucb1.deserialize(bytes),
  [banditKind.klUcb]: bytes => KlUcb.deserialize(bytes),
  [banditKind.bernoulliThompson]: bytes => BernoulliThompson.deserialize(bytes),
  [banditKind.gaussianThompson]: bytes => GaussianThompson.deserialize(bytes),
  [banditKind.exp3]: bytes => Exp3.deserialize(bytes),
};

/** The policy that was serialised, going on as it was. Throws `corrupt-bandit`. */
export function deserializePolicy(bytes: Uint8Array): Policy {
  const restore = restorers[bytes[1] ?? 0];
  if (!restore) throw corruptBandit('no policy is of their kind.', { kind: bytes[1] });
  return restore(bytes);
}
