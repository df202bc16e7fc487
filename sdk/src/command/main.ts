#!/usr/bin/env node
import { runCommandLine } from './run-command-line.js';

void runCommandLine(process.argv.slice(2)).then(
  // Explicitly, because a library that keeps a handle open must not keep the command alive.
  (exitCode) => process.exit(exitCode),
);
