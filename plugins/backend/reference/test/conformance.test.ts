import { referenceBackend, referenceBackendWorker } from '@shoal/backend-reference';
import { backendConformance } from '@shoal/core/conformance';
import t from 'tap';

for (const { name, run } of backendConformance({ host: referenceBackend(), worker: referenceBackendWorker() }))
  t.test(name, run);
