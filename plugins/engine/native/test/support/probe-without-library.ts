// Run as a process of its own, because a process loads ggml once: prints what a probe of a wrong folder says.
import { probeCpu } from '@shoal/engine-node';

process.stdout.write(JSON.stringify(probeCpu('/no-such-folder')));
