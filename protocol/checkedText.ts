import * as z from 'zod';

/** A text for which `problem` has nothing to say; what it says ends a sentence. `what` reads "the bucket". */
export function checked(what: string, problem: (text: string) => string | undefined): z.ZodType<string> {
  return z.string(`${what} must be a text`).superRefine((text, context) => {
    const message = problem(text);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });
}

/** A text of this form; otherwise `message` ends the sentence. */
export function matching(what: string, pattern: RegExp, message: string): z.ZodType<string> {
  return checked(what, (text) => (pattern.test(text) ? undefined : message));
}
