/** The flags of every verb. */
export interface GlobalFlags {
  readonly state: string | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly progress: boolean;
  /** `undefined`: as the terminal and `NO_COLOR` say. */
  readonly color: boolean | undefined;
  readonly yes: boolean;
  readonly wait: boolean;
  readonly stepUpFile: string | undefined;
}
