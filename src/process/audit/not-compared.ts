// Why an audit compares nothing of some rows, as it says of them.

export const nothingAddsUp =
  'there are more groups than are kept, and no column that adds up over all of them';
export const capBelow = 'a view under this one has more groups than it keeps';
export const roughBelow = 'what is made of approximate values of a view under this one has no bound';
export const closeBelow =
  'which rounded numbers of a view under this one are the same depends on their last digits';
export const unknownContents = 'what lookup tables held when events were joined with them is no longer known';
export const tooManySessions = 'there are more groups than are kept, and too many sessions to be added up';
export const onlyRange = 'there are more groups than are kept, and only a range of the view is looked at';
