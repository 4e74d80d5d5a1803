import type { ReceiptView } from '../control/ReceiptView';

/** Whether something about it is still to be done by Bellhop. */
export function waits(receipt: ReceiptView): boolean {
  return receipt.steps.some((step) => step.outcome.outcome === 'waiting');
}

/** Whether the person should see it without looking for it. */
export function matters(receipt: ReceiptView): boolean {
  return waits(receipt) || receipt.dead.dead === 'still_alive';
}

/** The receipts as they are kept, and the one that was just answered, if it isn't among them yet. */
export function withLatest(kept: readonly ReceiptView[], latest: ReceiptView | null): ReceiptView[] {
  if (latest === null || kept.some((one) => one.id === latest.id)) return [...kept];
  return [latest, ...kept];
}
