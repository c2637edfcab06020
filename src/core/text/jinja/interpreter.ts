import { NODE, ROUND, spend } from "./budget.ts";
import { applyFilter, applyTest } from "./filters.ts";
import { FORBIDDEN, joinTexts, methodOf } from "./methods.ts";
import type {
  Argument,
  CallBlock,
  Expression,
  FilterName,
  For,
  Member,
  Parameter,
  Set,
  Slice,
  Statement,
} from "./nodes.ts";
import { applyOperator, sliceOf } from "./operators.ts";
import { LoopExit, loopStates, Scope } from "./scope.ts";
import { fail } from "./errors.ts";
import {
  Callable,
  Float,
  integer,
  isDict,
  isList,
  iterate,
  Namespace,
  numberOf,
  text,
  truth,
  Tuple,
  typeName,
  type Arguments,
  type Value,
} from "./values.ts";

const MAX_DEPTH = 100;

/**
 * Renders a syntax tree as Jinja2 does under Python, with its scopes: what is set in a loop, a macro or a block ends
 * with it, and a macro sees what stands around its definition. What is not supported is an error.
 */
export class Interpreter {
  /** Macros under way. */
  private depth = 0;

  /** @throws TemplateError where Jinja2 raises, and for what is not supported. */
  render(body: readonly Statement[], variables: ReadonlyMap<string, Value>): string {
    const globals = new Scope(null);
    for (const [name, value] of variables) globals.set(name, value);
    return this.block(body, new Scope(globals));
  }

  /** What statements write, as one text. */
  private block(body: readonly Statement[], scope: Scope): string {
    const out: string[] = [];
    this.run(body, scope, out);
    return joinTexts(out, "");
  }

  private run(body: readonly Statement[], scope: Scope, out: string[]): void {
    for (const node of body) this.execute(node, scope, out);
  }

  private execute(node: Statement, scope: Scope, out: string[]): void {
    spend(NODE);
    if (node.type === "If") this.run(truth(this.evaluate(node.test, scope)) ? node.body : node.alternate, scope, out);
    else if (node.type === "For") this.loop(node, scope, out);
    else if (node.type === "Set") this.assign(node, scope);
    else if (node.type === "Macro")
      scope.set(node.name.value, this.macro(node.name.value, node.args, node.body, scope));
    else if (node.type === "CallStatement") out.push(text(this.callBlock(node, scope)));
    else if (node.type === "FilterStatement") {
      out.push(text(this.filtered(node.filter, this.block(node.body, new Scope(scope)), scope)));
    } else if (node.type === "Break" || node.type === "Continue") throw new LoopExit(node.type);
    else if (node.type !== "Comment") out.push(text(this.evaluate(node, scope)));
  }

  private loop({ iterable, loopvar, body, defaultBlock }: For, scope: Scope, out: string[]): void {
    const select = iterable.type === "SelectExpression" ? iterable : null;
    const items = iterate(this.evaluate(select ? select.lhs : iterable, scope)).filter((item) => {
      if (!select) return true;
      const inner = new Scope(scope);
      this.bind(loopvar, item, inner);
      return truth(this.evaluate(select.test, inner));
    });
    const stateOf = loopStates(items);
    let finished = false;
    for (const [i, item] of items.entries()) {
      spend(ROUND);
      const inner = new Scope(scope);
      inner.set("loop", stateOf(i));
      this.bind(loopvar, item, inner);
      try {
        this.run(body, inner, out);
        finished = true;
      } catch (error) {
        if (!(error instanceof LoopExit)) throw error;
        if (error.kind === "Break") break;
      }
    }
    if (!finished) this.run(defaultBlock, new Scope(scope), out);
  }

  private bind(target: Expression, value: Value, scope: Scope): void {
    if (target.type === "Identifier") {
      scope.set(target.value, value);
      return;
    }
    if (target.type !== "TupleLiteral") fail("expected names to set");
    const items = iterate(value);
    const { length } = target.value;
    if (items.length !== length) fail(`expected ${length} values to unpack, found ${items.length}`);
    for (const [i, part] of target.value.entries()) this.bind(part, items[i], scope);
  }

  private assign({ assignee, value, body }: Set, scope: Scope): void {
    const found = value === null ? this.block(body, new Scope(scope)) : this.evaluate(value, scope);
    if (value === null && assignee.type === "FilterExpression") {
      this.bind(assignee.operand, this.filtered(assignee.filter, found, scope), scope);
    } else if (assignee.type === "MemberExpression") {
      const holder = this.evaluate(assignee.object, scope);
      if (!(holder instanceof Namespace) || assignee.computed || assignee.property.type !== "Identifier") {
        fail("only attributes of a namespace can be set");
      }
      holder.attributes.set(assignee.property.value, found);
    } else this.bind(assignee, found, scope);
  }

  private macro(name: string, parameters: readonly Parameter[], body: readonly Statement[], around: Scope): Callable {
    return new Callable(({ positional, named }) => {
      const scope = new Scope(around);
      const { caller, ...rest } = Object.fromEntries(named);
      scope.set("caller", caller);
      if (positional.length > parameters.length)
        fail(`the macro "${name}" takes ${parameters.length} arguments at most`);
      const left = new Map(Object.entries(rest));
      for (const [i, parameter] of parameters.entries()) {
        const key = parameter.type === "Identifier" ? parameter.value : parameter.key.value;
        const otherwise = parameter.type === "Identifier" ? undefined : parameter.value;
        if (i < positional.length) scope.set(key, positional[i]);
        else if (left.has(key)) scope.set(key, left.get(key));
        else scope.set(key, otherwise && this.evaluate(otherwise, scope));
        if (i >= positional.length) left.delete(key);
      }
      for (const key of left.keys()) fail(`the macro "${name}" has no argument "${key}", or it is given twice`);
      if (++this.depth > MAX_DEPTH) fail(`macros call each other more than ${MAX_DEPTH} deep`);
      const written = this.block(body, scope);
      this.depth--;
      return written;
    });
  }

  private callBlock({ call, callerArgs, body }: CallBlock, scope: Scope): Value {
    const given = this.evaluateArguments(call.args, scope);
    const caller = this.macro("caller", callerArgs ?? [], body, scope);
    const named = new Map([...given.named, ["caller", caller] as const]);
    return callValue(this.evaluate(call.callee, scope), { ...given, named });
  }

  private filtered(filter: FilterName, value: Value, scope: Scope): Value {
    if (filter.type === "Identifier") return applyFilter(filter.value, value, { positional: [], named: new Map() });
    return applyFilter(filter.callee.value, value, this.evaluateArguments(filter.args, scope));
  }

  private evaluateArguments(args: readonly Argument[], scope: Scope): Arguments {
    const positional: Value[] = [];
    const named = new Map<string, Value>();
    for (const argument of args) {
      if (argument.type === "SpreadExpression" || argument.type === "KeywordSpreadExpression") {
        fail('arguments after "*" are not supported');
      } else if (argument.type === "KeywordArgumentExpression") {
        named.set(argument.key.value, this.evaluate(argument.value, scope));
      } else positional.push(this.evaluate(argument, scope));
    }
    return { positional, named };
  }

  private evaluate(node: Expression, scope: Scope): Value {
    spend(NODE);
    switch (node.type) {
      case "IntegerLiteral":
        return integer(node.value);
      case "FloatLiteral":
        return new Float(node.value);
      case "StringLiteral":
        return node.value;
      case "Identifier":
        return scope.get(node.value);
      case "ArrayLiteral":
        return node.value.map((item) => this.evaluate(item, scope));
      case "TupleLiteral":
        return new Tuple(node.value.map((item) => this.evaluate(item, scope)));
      case "ObjectLiteral":
        return new Map([...node.value].map(([key, value]) => [this.key(key, scope), this.evaluate(value, scope)]));
      case "MemberExpression":
        return this.member(node, scope);
      case "CallExpression": {
        const callee = this.evaluate(node.callee, scope);
        return callValue(callee, this.evaluateArguments(node.args, scope));
      }
      case "BinaryExpression": {
        const left = this.evaluate(node.left, scope);
        const operator = node.operator.value;
        if (operator === "and") return truth(left) ? this.evaluate(node.right, scope) : left;
        if (operator === "or") return truth(left) ? left : this.evaluate(node.right, scope);
        return applyOperator(operator, left, this.evaluate(node.right, scope));
      }
      case "UnaryExpression": {
        const value = this.evaluate(node.argument, scope);
        if (node.operator.value === "not") return !truth(value);
        const number =
          numberOf(value) ?? fail(`expected a number after "${node.operator.value}", found ${typeName(value)}`);
        const signed = node.operator.value === "-" ? -number : number;
        return value instanceof Float ? new Float(signed) : integer(signed);
      }
      case "FilterExpression":
        return this.filtered(node.filter, this.evaluate(node.operand, scope), scope);
      case "TestExpression":
        return applyTest(node.test.value, this.evaluate(node.operand, scope)) !== node.negate;
      case "SelectExpression":
        return truth(this.evaluate(node.test, scope)) ? this.evaluate(node.lhs, scope) : undefined;
      case "Ternary":
        return this.evaluate(truth(this.evaluate(node.condition, scope)) ? node.trueExpr : node.falseExpr, scope);
    }
  }

  private key(node: Expression, scope: Scope): Value {
    const key = this.evaluate(node, scope);
    return typeof key === "string" ? key : fail(`expected a text as the key of a dict, found ${typeName(key)}`);
  }

  private member({ object, property, computed }: Member, scope: Scope): Value {
    const value = this.evaluate(object, scope);
    if (value === undefined) fail("an undefined value has no attributes");
    if (property.type === "SliceExpression") return this.slice(value, property, scope);
    if (!computed && property.type === "Identifier") return attribute(value, property.value);
    return item(value, this.evaluate(property, scope));
  }

  private slice(value: Value, { start, stop, step }: Slice, scope: Scope): Value {
    const [from, to, by] = [start, stop, step].map((part) => part && this.evaluate(part, scope));
    return sliceOf(value, from, to, by);
  }
}

function callValue(callee: Value, given: Arguments): Value {
  if (!(callee instanceof Callable)) fail(`${typeName(callee)} cannot be called`);
  spend(given.positional.length);
  return callee.call(given);
}

/** `value.name`: a method, or else what stands under the name. */
function attribute(value: Value, name: string): Value {
  if ((isDict(value) || isList(value)) && FORBIDDEN.includes(name)) fail(`"${name}" would change a value`);
  return methodOf(value, name) ?? named(value, name);
}

/** `value[key]`: what stands there, or else a method. */
function item(value: Value, key: Value): Value {
  if (typeof key === "string") {
    const found = named(value, key);
    return found === undefined ? attribute(value, key) : found;
  }
  if (typeof key !== "number" || isDict(value)) return undefined;
  const items = typeof value === "string" || value instanceof Tuple ? iterate(value) : value;
  return isList(items) ? items.at(key) : undefined;
}

function named(value: Value, name: string): Value {
  if (isDict(value)) return value.get(name);
  return value instanceof Namespace ? value.attributes.get(name) : undefined;
}
