// Prints the error of importing the addon from the file in the first argument.
process.env.SHOAL_ENGINE_PATH = process.argv[2];
try {
  await import('@shoal/engine-node');
} catch (thrown) {
  const { code, message } = thrown as Error & { code?: string };
  process.stdout.write(JSON.stringify({ code, message }));
}

export {};
