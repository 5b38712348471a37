// The Windows Script Host as a script sees it: objects that do nothing and write down what was asked of them.
// What the script could replace (Array, String, JSON) is taken before it runs; the log is a text that only this function holds.
(function (unknown, direct, source) {
  "use strict";
  const stringify = JSON.stringify, define = Object.defineProperty, text = String, lower = Function.prototype.call.bind(String.prototype.toLowerCase);
  const slice = Function.prototype.call.bind(String.prototype.slice), at = Function.prototype.call.bind(String.prototype.charCodeAt);
  const realEval = eval, RealFunction = Function, P = Proxy, M = Map, names = new WeakMap(), has = Function.prototype.call.bind(WeakMap.prototype.has);
  const nameOf = Function.prototype.call.bind(WeakMap.prototype.get), setName = Function.prototype.call.bind(WeakMap.prototype.set), apply = Reflect.apply, make = Reflect.construct, isFinite = Number.isFinite;
  const indexOf = Function.prototype.call.bind(String.prototype.indexOf), atob64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", fromCode = String.fromCharCode;
  let log = "", lines = 0, later = [], depth = 0;

  function shown(value, most) {
    if (value === null || value === undefined) return text(value);
    if ((typeof value === "object" || typeof value === "function") && has(names, value)) return "<" + nameOf(names, value) + ">";
    if (typeof value === "function") return "<function>";
    try { return slice(text(value), 0, most); } catch (_) { return "<object>"; }
  }
  function write(kind, parts, most) {
    if (lines++ > 2000 || log.length > 8000000) return;
    let line = "[" + stringify(kind);
    for (let i = 0; i < parts.length && i < 12; i++) line += "," + (typeof parts[i] === "number" && isFinite(parts[i]) ? text(parts[i]) : typeof parts[i] === "boolean" ? text(parts[i]) : stringify(shown(parts[i], most || 2000)));
    log += line + "]\n";
  }
  // What a page makes a file of (HTML smuggling): bytes as a text of characters below 256.
  const blobs = new WeakMap(), isView = ArrayBuffer.isView, Bytes = Uint8Array, Buffer = ArrayBuffer, matches = Function.prototype.call.bind(RegExp.prototype.test);
  const utf8 = (value) => spread(encoded(value)), spread = unescape, encoded = encodeURIComponent, unspread = escape, plain = decodeURIComponent;
  const FILES = 1000000, DATA = /^\s*data:[^,]{0,200},/i, SAVES = /(^|\.)(mssaveblob|mssaveoropenblob|saveas)$/;
  function binary(part) {
    if (has(blobs, part)) return nameOf(blobs, part);
    if (part instanceof Buffer || isView(part)) {
      const view = part instanceof Buffer ? new Bytes(part) : new Bytes(part.buffer, part.byteOffset, part.byteLength);
      let out = "";
      for (let i = 0; i < view.length && i <= FILES; i++) out += fromCode(view[i]);
      return out;
    }
    return isUnknown(part) ? "" : utf8(text(part));
  }
  function blob(parts, name) {
    const made = any("Blob");
    let body = "";
    if (parts && typeof parts === "object" && !isUnknown(parts)) for (let i = 0; i < parts.length && body.length <= FILES; i++) body += binary(parts[i]);
    setName(blobs, made, body);
    if (name !== undefined) write("named", [name]);
    if (body) write("made", [body], FILES + 1);
    return made;
  }
  function handed(value) { if (typeof value === "string" && matches(DATA, value)) write("data", [value], FILES + 1); }
  function isUnknown(value) { return value !== null && (typeof value === "object" || typeof value === "function") && has(names, value); }
  function code(value, how) {
    if (isUnknown(value)) write("unresolved", [nameOf(names, value)]);
    else if (typeof value === "string") write("code", [how, value], 1000000);
  }

  const NUMBERS = { readystate: 4, status: 200, length: 0, count: 0, size: 0 };
  function any(label, more) {
    label = slice(text(label), 0, 300);
    const kept = new M(), target = function () {};
    const answer = new P(target, {
      get(_, key) {
        if (key === Symbol.toPrimitive) return (hint) => (hint === "number" ? NaN : "[" + label + "]");
        if (key === Symbol.iterator) return function* () { yield any(label + ".item"); };
        if (typeof key === "symbol") return undefined;
        const word = lower(key);
        if (more && word in more) return more[word];
        if (kept.has(word)) return kept.get(word);
        if (word === "tostring" || word === "valueof") return () => "[" + label + "]";
        if (word === "then") return undefined;
        if (word in NUMBERS) return NUMBERS[word];
        const inner = any(label + "." + key);
        kept.set(word, inner);
        return inner;
      },
      set(_, key, value) {
        if (typeof key !== "symbol") {
          kept.set(lower(key), value);
          write("call", [label + "." + key + " =", value]);
          if (/createelement\(\)$/i.test(label) && /^(text|textcontent|innertext)$/i.test(key) && typeof value === "string") {
            code(value, "script element");
            later[later.length] = () => realEval(value);
          }
          handed(value);
          if (lower(key) === "download") write("named", [value]);
          if (typeof value === "function" && depth < 3) later[later.length] = value;
        }
        return true;
      },
      has() { return true; },
      deleteProperty() { return true; },
      apply(_, self, given) {
        write("call", [label, ...given]);
        started(label, given);
        for (let i = 0; i < given.length; i++) handed(given[i]);
        for (let i = 0; i < given.length; i++) if (typeof given[i] === "function" && !isUnknown(given[i]) && depth < 3 && later.length < 50) later[later.length] = given[i];
        return any(label + "()");
      },
      construct(_, given) { write("call", ["new " + label, ...given]); return any(label); },
      getPrototypeOf() { return Object.prototype; },
    });
    setName(names, answer, label);
    return answer;
  }

  function started(label, given) {
    const word = lower(label);
    if (/(^|\.)(run|exec|shellexecute|create)$/.test(word) && typeof given[0] === "string")
      write("command", [typeof given[1] === "string" && /shellexecute$/.test(word) ? given[0] + " " + given[1] : given[0]], 100000);
    if (/document\.write(ln)?$/.test(word) && typeof given[0] === "string") write("page", [given[0]], 1000000);
    if (matches(/\.setattribute$/, word) && lower(text(given[0])) === "download") write("named", [given[1]]);
    if (matches(SAVES, word)) write("named", [given[1]]);
  }

  function stream() {
    let body = "";
    return any("ADODB.Stream", {
      write(value) { body = isUnknown(value) ? value : body + value; write("call", ["ADODB.Stream.Write", value]); },
      writetext(value) { body = isUnknown(value) ? value : body + value; },
      readtext() { return body; },
      read() { return body; },
      open() {}, close() {}, flush() {},
      savetofile(name) {
        write("call", ["ADODB.Stream.SaveToFile", name]);
        if (typeof body === "string" && body) write("file", [name, body], 1000000);
      },
    });
  }
  function element() {
    const self = {};
    return any("element", {
      get nodetypedvalue() { return "value" in self ? self.value : any("element.nodeTypedValue"); },
    }), new P({}, {
      get(_, key) {
        const word = lower(text(key));
        if (word === "nodetypedvalue" && typeof self.text === "string" && lower(text(self.datatype)) === "bin.base64") return unbase64(self.text);
        return word in self ? self[word] : any("element." + text(key));
      },
      set(_, key, value) { self[lower(text(key))] = value; return true; },
    });
  }
  function unbase64(body) {
    let out = "", bits = 0, held = 0;
    for (let i = 0; i < body.length; i++) {
      const place = indexOf(atob64, body[i]);
      if (place < 0) continue;
      held = ((held << 6) | place) & 0xffffff;
      bits += 6;
      if (bits >= 8) { bits -= 8; out += fromCode((held >> bits) & 255); }
    }
    return out;
  }
  function textStream(name) {
    const own = lower(text(name)) === lower(ITSELF) ? source.split(/\r?\n/) : [];
    return any("TextStream", {
      readall: () => (own.length ? source : any("TextStream.ReadAll()")),
      readline: () => (own.length ? own.shift() : any("TextStream.ReadLine()")),
      get atendofstream() { return !own.length; },
      write(value) { write("file", [name, value], 1000000); },
      writeline(value) { write("file", [name, value + "\r\n"], 1000000); },
      close() {},
    });
  }
  const ENVIRONMENT = { temp: "C:\\Users\\user\\AppData\\Local\\Temp", tmp: "C:\\Users\\user\\AppData\\Local\\Temp", appdata: "C:\\Users\\user\\AppData\\Roaming",
    comspec: "C:\\Windows\\system32\\cmd.exe", windir: "C:\\Windows", systemroot: "C:\\Windows", userprofile: "C:\\Users\\user", public: "C:\\Users\\Public", programdata: "C:\\ProgramData" };
  const ITSELF = "C:\\Users\\user\\script.js";
  function bytes(value, how) {
    const word = lower(text(how || "utf8"));
    if (typeof value !== "string" && value && typeof value.length === "number") return fromCode.apply(null, value);
    if (word === "base64") return unbase64(text(value));
    if (word === "hex") return text(value).replace(/../g, (pair) => fromCode(parseInt(pair, 16)));
    return text(value);
  }
  // Clocks go on with every look and with every sleep, so that nobody waits.
  const RealDate = Date;
  let ahead = 0;
  const now = () => RealDate.now() + (ahead += 40);
  define(globalThis, "Date", { writable: true, configurable: true, value: new P(RealDate, {
    construct: (_, given) => (given.length ? make(RealDate, given) : new RealDate(now())),
    apply: () => text(new RealDate(now())),
    get: (target, key) => (key === "now" ? now : target[key]),
  }) });
  const CLASSES = {
    "adodb.stream": stream,
    "wscript.shell": () => any("WScript.Shell", {
      expandenvironmentstrings: (value) => text(value).replace(/%(\w+)%/g, (all, name) => ENVIRONMENT[lower(name)] || all),
    }),
    "scripting.dictionary": () => { const kept = new M(); return any("Scripting.Dictionary", { add: (k, v) => { kept.set(k, v); }, item: (k) => kept.get(k), exists: (k) => kept.has(k) }); },
    "scripting.filesystemobject": () => any("Scripting.FileSystemObject", {
      createtextfile: (name) => { write("call", ["Scripting.FileSystemObject.CreateTextFile", name]); return textStream(name); },
      opentextfile: (name) => { write("call", ["Scripting.FileSystemObject.OpenTextFile", name]); return textStream(name); },
      getspecialfolder: (which) => ["C:\\Windows", "C:\\Windows\\System32", ENVIRONMENT.temp][which] || "C:\\Windows",
      buildpath: (a, b) => a + "\\" + b,
      gettempname: () => "rad00000.tmp",
    }),
    "msxml2.domdocument": () => any("MSXML2.DOMDocument", { createelement: element }),
    "microsoft.xmldom": () => any("MSXML2.DOMDocument", { createelement: element }),
  };
  function object(name) {
    write("call", ["new ActiveXObject", name]);
    const word = isUnknown(name) ? "" : lower(text(name));
    if (isUnknown(name)) write("unresolved", ["new ActiveXObject(" + nameOf(names, name) + ")"]);
    const known = CLASSES[word] || CLASSES[word.replace(/\.\d+(\.\d+)?$/, "")];
    return known ? known() : any(text(name));
  }

  const host = {
    ActiveXObject: function ActiveXObject(name) { return object(name); },
    GetObject: function GetObject(name) { write("call", ["GetObject", name]); return any("GetObject(" + shown(name, 200) + ")"); },
    WScript: any("WScript", {
      createobject: object, sleep(span) { ahead += span > 0 ? +span : 0; }, echo() {}, scriptfullname: ITSELF, scriptname: "script.js", fullname: "C:\\Windows\\System32\\wscript.exe",
      quit() { write("call", ["WScript.Quit"]); throw new host.Quit(); },
    }),
    Enumerator: function Enumerator(of) { let left = 1; return { atEnd: () => left <= 0, moveNext() { left--; }, moveFirst() {}, item: () => any("item of " + shown(of, 100)) }; },
    VBArray: function VBArray() { return { toArray: () => [] }; },
    ScriptEngine: () => "JScript", ScriptEngineMajorVersion: () => 5, ScriptEngineMinorVersion: () => 8, ScriptEngineBuildVersion: () => 18702, CollectGarbage() {},
    setTimeout(what) { if (typeof what === "function") later[later.length] = what; else { code(what, "setTimeout"); if (typeof what === "string") realEval(what); } return 1; },
    execScript(what) { code(what, "execScript"); return realEval(text(what)); },
    atob: unbase64,
    Buffer: { from: (value, how) => ({ toString: (to) => (to && lower(text(to)) === "base64" ? text(value) : bytes(value, how)) }) },
  };
  const BROWSER = {
    Blob: () => function Blob(parts) { return blob(parts); },
    File: () => function File(parts, name) { return blob(parts, name); },
    btoa: () => (value) => { // only back again: what counts is what comes out of it
      const body = text(value);
      let out = "";
      for (let i = 0; i < body.length; i += 3) {
        const held = (at(body, i) << 16) | ((at(body, i + 1) || 0) << 8) | (at(body, i + 2) || 0);
        out += atob64[held >> 18 & 63] + atob64[held >> 12 & 63] + (i + 1 < body.length ? atob64[held >> 6 & 63] : "=") + (i + 2 < body.length ? atob64[held & 63] : "=");
      }
      return out;
    },
    TextDecoder: () => function TextDecoder() { return { decode: (value) => { const body = binary(value); try { return plain(unspread(body)); } catch (_) { return body; } } }; },
    TextEncoder: () => function TextEncoder() { return { encode: (value) => { const body = utf8(text(value)), out = new Bytes(body.length); for (let i = 0; i < body.length; i++) out[i] = at(body, i); return out; } }; },
    window: () => {
      const unknownWindow = any("window");
      return new P(unknownWindow, { get: (_, key) => (typeof key === "string" && key in globalThis ? globalThis[key] : unknownWindow[key]) });
    },
  };
  BROWSER.self = BROWSER.top = BROWSER.parent = BROWSER.window;
  host.Quit = function Quit() { this.toString = () => "Quit"; };
  host.setInterval = host.setTimeout;
  host.WSH = host.WScript;
  for (const key in host) define(globalThis, key, { value: host[key], writable: true, configurable: true, enumerable: false });
  for (let i = 0; i < unknown.length; i++) {
    let value = unknown[i] in BROWSER ? BROWSER[unknown[i]]() : any(unknown[i]);
    define(globalThis, unknown[i], { get: () => value, set(other) { handed(other); value = other; }, configurable: true });
  }

  if (!direct)
    define(globalThis, "eval", { writable: true, configurable: true, value: function (what) {
      code(what, "eval");
      if (typeof what !== "string") return what;
      try { return realEval(what); } catch (error) { if (error instanceof ReferenceError) write("local", [error.message]); throw error; }
    } });
  const hooked = new P(RealFunction, {
    apply(_, self, given) { code(given[given.length - 1], "Function"); return apply(RealFunction, self, given); },
    construct(_, given) { code(given[given.length - 1], "Function"); return make(RealFunction, given); },
  });
  define(RealFunction.prototype, "constructor", { value: hooked, writable: true, configurable: true });
  define(globalThis, "Function", { value: hooked, writable: true, configurable: true });
  define(globalThis, "__kazami", { configurable: false, enumerable: false, writable: false, value: function (what, value) {
    if (what === "log") return stringify(log); // flat: a text in pieces is none that leaves the engine
    if (what === "later") {
      for (depth = 1; later.length && depth < 4; depth++) {
        const now = later;
        later = [];
        for (let i = 0; i < now.length; i++) try { now[i](any("event")); } catch (error) { if (error instanceof ReferenceError) throw error; }
      }
    }
    return undefined;
  } });
  define(globalThis, "__code", { configurable: false, enumerable: false, get: () => undefined, set: (value) => code(value, "eval") });
})
