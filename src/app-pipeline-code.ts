// The entry of the thread that runs the functions of one pipeline.
import { runCodeThread } from './process/pipeline/code-thread.ts';

await runCodeThread();
