/** Every command of the extension, in the order of the palette. package.json declares the same ones; a test compares the two. */
export const commandIds = [
  'holdfast.setUp',
  'holdfast.unlock',
  'holdfast.lock',
  'holdfast.restoreFile',
  'holdfast.fileHistory',
  'holdfast.compareWithRestorePoint',
  'holdfast.compareWithWorkspace',
  'holdfast.browseRestorePoint',
  'holdfast.showLog',
  'holdfast.startDaemon',
  'holdfast.restartDaemon',
  'holdfast.stopDaemon',
  'holdfast.openSettings',
  'holdfast.refresh',
] as const;

export type CommandId = (typeof commandIds)[number];
