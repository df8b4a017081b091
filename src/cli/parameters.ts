/** The parameters of the losses as options. */
import {
  type Option,
  type Read,
  readFlag,
  readNumber,
  readPerClass,
  readPerClassOrNone,
  readWord,
  readWordOrNumber,
} from "./options.ts";

/** An option that is a parameter: how its text is read. */
interface Parameter extends Option {
  /** Its name in the library, where it is another. */
  key?: string;
  read: Read;
}

const takesNumber = (help: string): Parameter => ({ takes: "NUMBER", help, read: readNumber });

/** Everything that any loss takes, by option name. */
export const PARAMETERS: Record<string, Parameter> = {
  gamma: takesNumber("focusing exponent; slope of focalStar"),
  alpha: { takes: "A|A,B,..|none", help: "class weight", read: readPerClassOrNone },
  "pos-weight": { takes: "W|W,V,..", help: "weight of positives", read: readPerClass },
  beta: takesNumber("division point of smoothL1; shift of focalStar"),
  margin: takesNumber("where truncation stops; lead of drLoss"),
  k: takesNumber("steepness of truncation"),
  form: { takes: "margin|rival", help: "what tells softmaxSoftTruncation a row is done", read: readWord },
  "gamma-pos": takesNumber("exponent of positives, of the label"),
  "gamma-neg": takesNumber("exponent of negatives, of other classes"),
  clip: takesNumber("what asymmetric takes off p"),
  "detach-focus": { takes: "true|false", help: "constant focusing factors", read: readFlag },
  "label-smoothing": takesNumber("share of the target that all classes get"),
  kind: { key: "loss", takes: "bpr|focal|ghm", help: "loss of pairwise", read: readWord },
  "lambda-pos": takesNumber("temperature of positives, drLoss"),
  "lambda-neg": takesNumber("temperature of negatives, drLoss"),
  scale: takesNumber("steepness of drLoss"),
  tau: takesNumber("factor of drLoss"),
  mu: takesNumber("bend of asl1 and ghmr"),
  bins: { takes: "N|auto", help: "unit regions", read: readWordOrNumber },
  convention: { takes: "paper|mmdet", help: "form of the histogram", read: readWord },
  classes: { takes: "N", help: "classes of a row", read: readNumber },
  "ignore-index": { takes: "N", help: "label of a row that does not exist", read: readNumber },
  reduction: { takes: "mean|sum|none", help: "how a loss becomes one number", read: readWord },
  normalizer: { takes: "count|positives|X", help: "what mean divides by", read: readWordOrNumber },
};

/** The name of a parameter in the library. */
export const keyOf = (option: string): string =>
  PARAMETERS[option].key ?? option.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
