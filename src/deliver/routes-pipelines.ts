// /v1/pipelines: what runs, how far it is and what is wrong with it.
import type { Hono } from 'hono';
import { MillraceError } from '../core/errors.ts';
import { formatUs } from '../core/time.ts';
import type { PipelineSummary } from '../process/pipeline.ts';
import type { PipelineEntry, PipelineList } from './api.ts';
import type { Services } from './services.ts';

export function routePipelines(app: Hono, services: Services): void {
  app.get('/v1/pipelines', async context => {
    const pipelines = (await services.pipelines()).map(entryOf);
    return context.json({ pipelines } satisfies PipelineList);
  });

  app.get('/v1/pipelines/:pipeline', async context => {
    const name = context.req.param('pipeline');
    const found = (await services.pipelines()).find(one => one.name === name);
    if (found) return context.json(entryOf(found));
    throw new MillraceError('unknown-pipeline', `There is no pipeline "${name}".`, {
      status: 404,
      remedy: 'GET /v1/pipelines lists them; a pipeline is a file pipelines/NAME.ts of the project folder.',
    });
  });
}

function entryOf({ watermarkUs, ...summary }: PipelineSummary): PipelineEntry {
  return { ...summary, watermark: watermarkUs === null ? null : formatUs(watermarkUs) };
}
