/** Was Bellhop sagt, wenn etwas schiefgeht, nach dem Code des Problems. */
export const problems: Record<string, { sentence: string; next: string }> = {
  'window.unexpected': {
    sentence: 'Etwas ist schiefgegangen, für das Bellhop keinen Namen hat.',
    next: 'Versuch es noch einmal; passiert es wieder, schließe dieses Fenster und öffne es neu.',
  },
};
