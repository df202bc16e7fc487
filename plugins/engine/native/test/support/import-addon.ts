// Prints the error of importing the addon from the file in the first argument, as if it lacked the names that follow.
import { createRequire } from 'node:module';

const [path = '', ...hidden] = process.argv.slice(2);
process.env.SHOAL_ENGINE_PATH = path;
const { extensions } = createRequire(import.meta.url);
const loadAddon = extensions['.node'];
if (hidden.length > 0) {
  extensions['.node'] = (module, file) => {
    loadAddon(module, file);
    for (const name of hidden) delete (module.exports as Record<string, unknown>)[name];
  };
}
try {
  await import('@shoal/engine-node');
} catch (thrown) {
  const { code, message } = thrown as Error & { code?: string };
  process.stdout.write(JSON.stringify({ code, message }));
}
