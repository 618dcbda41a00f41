// Bandits: which arm to play next, and what another policy would have earned. docs/bandits.md says when to use which.
export type { MemoryOptions } from './arm-memory.ts';
export { bernoulliDivergence, divergenceUpperBound } from './bernoulli-divergence.ts';
export { type ContextualOptions, ContextualPolicy, LinearThompson, LinUcb } from './contextual.ts';
export { DelayedFeedback, type DelayedFeedbackOptions, type PendingChoice } from './delayed-feedback.ts';
export { deserializePolicy } from './deserialize-policy.ts';
export { EpsilonGreedy, type EpsilonGreedyOptions } from './epsilon-greedy.ts';
export { Exp3, type Exp3Options, exp3Exploration } from './exp3.ts';
export { KlUcb, type KlUcbOptions } from './kl-ucb.ts';
export {
  type LoggedDecision,
  type OffPolicyEstimate,
  OffPolicyEvaluation,
  type OffPolicyOptions,
  type ValueEstimate,
} from './off-policy-evaluation.ts';
export { type ArmChoice, Policy } from './policy.ts';
export { type Regret, simulateRegret } from './simulate-regret.ts';
export { Softmax, type SoftmaxOptions } from './softmax.ts';
export {
  BernoulliThompson,
  type BernoulliThompsonOptions,
  GaussianThompson,
  type GaussianThompsonOptions,
} from './thompson.ts';
export { Ucb1, type Ucb1Options } from './ucb1.ts';
