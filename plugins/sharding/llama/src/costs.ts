import type { LayerCosts, ModelCosts } from '@shoal/core';
import type { LlamaDimensions } from './dimensions.js';

const costsOf = (
  matrixElements: number,
  vectorElements: number,
  flopsPerToken: number,
  stateElementsPerToken = 0,
): LayerCosts => ({
  matrixElements,
  vectorElements,
  flopsPerToken,
  stateElementsPerToken,
  stateElementsPerSequence: 0,
});

/** Two floating-point operations (multiply, add) per matrix element and token. */
const flopsPerElement = 2;

export function modelCosts(dimensions: LlamaDimensions): ModelCosts {
  const { hiddenWidth, queryHeads, keyValueHeads, headSize, feedForwardWidth, vocabularySize } = dimensions;
  const queryWidth = queryHeads * headSize;
  const keyWidth = keyValueHeads * headSize;
  const matrices = hiddenWidth * (2 * queryWidth + 2 * keyWidth) + 3 * hiddenWidth * feedForwardWidth;
  const attentionBiases = dimensions.attentionBias ? queryWidth + 2 * keyWidth + hiddenWidth : 0;
  const feedForwardBiases = dimensions.feedForwardBias ? 2 * feedForwardWidth + hiddenWidth : 0;
  const vectors = 2 * hiddenWidth + attentionBiases + feedForwardBiases;
  const layer = costsOf(matrices, vectors, flopsPerElement * matrices, 2 * keyWidth);
  const vocabulary = vocabularySize * hiddenWidth;
  return {
    layers: Array.from({ length: dimensions.layerCount }, () => layer),
    embedding: costsOf(vocabulary, 0, 0),
    head: costsOf(vocabulary, hiddenWidth, flopsPerElement * vocabulary),
    hiddenWidth,
    vocabularySize,
    maximumContextLength: dimensions.maximumPositions,
  };
}
