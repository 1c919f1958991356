// A tone must come through as it is: what makes speech pleasant would take it for noise.

export const asItIs = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
