import { createContext } from 'svelte';
import type { View } from './view.svelte';

/** The one view, for every screen below the root. */
export const [useView, provideView] = createContext<View>();
