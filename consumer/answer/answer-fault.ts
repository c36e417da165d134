/** The answer came, and its body is not what it says, or not what was expected. The message is for the call's error. */
export class AnswerFault extends Error {
  override readonly name = "AnswerFault";
}
