/**
 * The one copy of the dependency-injection library. tsyringe keeps what it knows of classes in a module-level table, so
 * a second copy would silently not see them: plugins import the decorators from here and depend on core only.
 */
import 'reflect-metadata';

export { inject, injectable } from 'tsyringe';
