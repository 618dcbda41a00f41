// The public surface of `millrace`, an explicit list: what programs may build on. Everything else is internal.

export { App, type AppOptions, openApp, type ReadFilesOptions } from './app.ts';
export { MillraceError } from './core/errors.ts';
export type * from './deliver/api.ts';
export {
  type PipelineContext,
  type PipelineDefinition,
  type PipelineEvent,
  type PipelineTimer,
  type PipelineTypes,
  pipeline,
} from './process/pipeline.ts';
export type {
  ViewColumn,
  ViewDefinition,
  ViewQuery,
  ViewResult,
  WindowRow,
  WindowSpec,
} from './process/view.ts';
