import type * as z from 'zod';
import { checked, matching } from './checkedText.ts';

/** What stands between the brackets of a section of the AWS configuration file. */
const profilePattern = /^[A-Za-z0-9_.@/+:=,-]{1,128}$/;
const rolePattern = /^arn:aws(?:-[a-z]+)*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/;

/** A region becomes part of a host's name. */
export function isAwsRegion(text: string): boolean {
  return /^(?=.{2,63}$)[a-z0-9]+(?:-[a-z0-9]+)*$/.test(text);
}

export const awsRegion: z.ZodType<string> = checked('the region', (text) =>
  isAwsRegion(text) ? undefined : 'the region must be a name such as eu-west-1',
);

export const awsProfile: z.ZodType<string> = matching('the profile', profilePattern, 'the profile has no name of a profile');

export const awsRoleArn: z.ZodType<string> = matching(
  'the role',
  rolePattern,
  'the role must be an ARN such as arn:aws:iam::123456789012:role/name',
);
