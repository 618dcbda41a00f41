// A detector from its serialised form, whichever it is: for stores that hold many kinds.
import { Adwin } from './adwin.ts';
import { BayesianChangePoint } from './bayesian-change-point.ts';
import { CombinedDetector } from './combined-detector.ts';
import { Cusum } from './cusum.ts';
import { type Detector, detectorKind } from './detector.ts';
import { EwmaChart } from './ewma-chart.ts';
import { HalfSpaceTrees } from './half-space-trees.ts';
import { Kswin } from './kswin.ts';
import { PageHinkley } from './page-hinkley.ts';
import { RobustZ } from './robust-z.ts';
import { SeasonalBaseline } from './seasonal-baseline.ts';
import { corruptState } from './state-bytes.ts';

const restorers: Record<number, (bytes: Uint8Array) => Detector> = {
  [detectorKind.robustZ]: bytes => RobustZ.deserialize(bytes),
  [detectorKind.ewmaChart]: bytes => EwmaChart.deserialize(bytes),
  [detectorKind.cusum]: bytes => Cusum.deserialize(bytes),
  [detectorKind.pageHinkley]: bytes => PageHinkley.deserialize(bytes),
  [detectorKind.adwin]: bytes => Adwin.deserialize(bytes),
  [detectorKind.kswin]: bytes => Kswin.deserialize(bytes),
  [detectorKind.bayesianChangePoint]: bytes => BayesianChangePoint.deserialize(bytes),
  [detectorKind.seasonalBaseline]: bytes => SeasonalBaseline.deserialize(bytes),
  [detectorKind.halfSpaceTrees]: bytes => HalfSpaceTrees.deserialize(bytes),
  [detectorKind.combined]: bytes => CombinedDetector.deserialize(bytes),
};

/** The detector that was serialised, going on as it was. Throws `corrupt-detector` for any other bytes. */
export function deserializeDetector(bytes: Uint8Array): Detector {
  const restore = restorers[bytes[0] ?? 0];
  if (!restore) throw corruptState('detector', `no detector is of kind ${bytes[0]}`);
  return restore(bytes);
}
