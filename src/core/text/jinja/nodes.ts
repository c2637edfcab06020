/** The nodes of @huggingface/jinja's syntax tree, whose own types the library does not export. */
export type Expression =
  | { readonly type: "IntegerLiteral" | "FloatLiteral"; readonly value: number }
  | { readonly type: "StringLiteral" | "Identifier"; readonly value: string }
  | { readonly type: "ArrayLiteral" | "TupleLiteral"; readonly value: readonly Expression[] }
  | { readonly type: "ObjectLiteral"; readonly value: ReadonlyMap<Expression, Expression> }
  | Member
  | Call
  | {
      readonly type: "BinaryExpression";
      readonly operator: { readonly value: string };
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly type: "UnaryExpression";
      readonly operator: { readonly value: string };
      readonly argument: Expression;
    }
  | { readonly type: "FilterExpression"; readonly operand: Expression; readonly filter: FilterName }
  | { readonly type: "TestExpression"; readonly operand: Expression; readonly negate: boolean; readonly test: Name }
  | Select
  | {
      readonly type: "Ternary";
      readonly condition: Expression;
      readonly trueExpr: Expression;
      readonly falseExpr: Expression;
    };

export interface Name {
  readonly type: "Identifier";
  readonly value: string;
}

export type FilterName = Name | (Call & { readonly callee: Name });

export interface Member {
  readonly type: "MemberExpression";
  readonly object: Expression;
  readonly property: Expression | Slice;
  readonly computed: boolean;
}

export interface Slice {
  readonly type: "SliceExpression";
  readonly start?: Expression;
  readonly stop?: Expression;
  readonly step?: Expression;
}

export interface Call {
  readonly type: "CallExpression";
  readonly callee: Expression;
  readonly args: readonly Argument[];
}

export type Argument =
  Expression | Keyword | { readonly type: "SpreadExpression" } | { readonly type: "KeywordSpreadExpression" };

export interface Keyword {
  readonly type: "KeywordArgumentExpression";
  readonly key: Name;
  readonly value: Expression;
}

export interface Select {
  readonly type: "SelectExpression";
  readonly lhs: Expression;
  readonly test: Expression;
}

export type Parameter = Name | Keyword;

export interface For {
  readonly type: "For";
  readonly loopvar: Expression;
  readonly iterable: Expression;
  readonly body: readonly Statement[];
  readonly defaultBlock: readonly Statement[];
}

export interface Set {
  readonly type: "Set";
  readonly assignee: Expression;
  readonly value: Expression | null;
  readonly body: readonly Statement[];
}

export interface Macro {
  readonly type: "Macro";
  readonly name: Name;
  readonly args: readonly Parameter[];
  readonly body: readonly Statement[];
}

export interface CallBlock {
  readonly type: "CallStatement";
  readonly call: Call;
  readonly callerArgs: readonly Parameter[] | null;
  readonly body: readonly Statement[];
}

export type Statement =
  | Expression
  | For
  | Set
  | Macro
  | CallBlock
  | {
      readonly type: "If";
      readonly test: Expression;
      readonly body: readonly Statement[];
      readonly alternate: readonly Statement[];
    }
  | { readonly type: "FilterStatement"; readonly filter: FilterName; readonly body: readonly Statement[] }
  | { readonly type: "Break" }
  | { readonly type: "Continue" }
  | { readonly type: "Comment" };
