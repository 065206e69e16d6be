"""Phrases by which a mail tries to steer an agent, in families; gaps have upper bounds.

Patterns read text as `safetytext.plain_form` makes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from agentmail_server.mail.safetyrules import Rule, rule

_AGENT = (
    r"(?:ai|a\.i\.|llms?|(?:large )?language models?|chat ?bots?|chatgpt|gpt-?\d?|claude|copilot"
    r"|gemini|(?:ai|automated|virtual|email|mail) (?:assistant|agent)s?)"
)
_AGENT_WORDS = "ai|llm|language model|bot|gpt|claude|copilot|gemini|assistant|agent|a.i."
_RULES = (
    r"(?:instructions?|directions?|directives?|prompts?|rules|guidelines?|commands?|orders"
    r"|programming|training|constraints|policies|safeguards|restrictions)"
)
_RULES_WORDS = (
    "instruction|direct|prompt|rules|guideline|command|orders|programming|training|constraint"
    "|policies|safeguard|restriction"
)
_EARLIER = (
    r"(?:previous|prior|above|preceding|earlier|existing|original|foregoing|former|initial"
    r"|system|other)"
)
_DROP = (
    r"(?:ignore|disregard|forget|override|overrule|bypass|discard|do not follow|don't follow"
    r"|stop following)"
)
_DROP_WORDS = "ignore|disregard|forget|overr|bypass|discard|not follow|n't follow|stop following"
_PRIVATE = (
    r"(?:inbox|mailbox|e?-?mails?|messages|conversations?|chat history|history|threads|api keys?"
    r"|passwords?|passcodes?|credentials|access tokens?|contacts|contact list|address book"
    r"|customer (?:data|list|records)|secrets|private keys?|environment variables"
    r"|verification codes?|system prompt|attachments|invoices)"
)
_SEND = r"(?:forward|send|e-?mail|post|upload|copy|transmit|leak|exfiltrate|export)"
_WHOLE = (
    r"(?:all|every|each|your|the (?:entire|full|complete|whole|contents? of|last|latest|user's"
    r"|owner's))"
)
_WHO = r"(?:the |your )?(?:user|human|owner|operator|account holder|recipient)"
_WHO_WORDS = "user|human|owner|operator|account holder|recipient"


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of phrase: its code on the wire, what a person reads, and how much one hit says."""

    code: str
    label: str
    weight: float
    rules: tuple[Rule, ...]


_OVERRIDES = (
    rule(
        rf"\b{_DROP} (?:(?:all|any|every|the|your|my|of|these|those|each) ){{0,4}}{_EARLIER}"
        rf"(?: \w{{1,12}}){{0,3}} {_RULES}\b",
        _DROP_WORDS,
        _RULES_WORDS,
    ),
    rule(
        rf"\b{_DROP} (?:(?:all|any|every|of) ){{0,3}}(?:your|the system) (?:\w{{1,14}} ){{0,2}}"
        rf"{_RULES}\b",
        _DROP_WORDS,
        _RULES_WORDS,
    ),
    rule(r"\b(?:forget|disregard) (?:everything|all) (?:you|above|before|i told)\b", "get |ard "),
    rule(
        r"\byou are now (?:dan\b|in \w{1,14} mode|unrestricted|free (?:from|of) (?:all|any|your)"
        rf"|(?:an? |the )(?:\w{{1,14}} ){{0,3}}{_AGENT}\b)",
        "you are now ",
    ),
    rule(
        r"\bfrom now on,? you (?:will|must|shall|are to|should) "
        r"(?:act|behave|respond|answer|pretend|obey|only)\b",
        "from now on",
    ),
    rule(
        r"\bpretend (?:that )?you (?:are|have) (?:an? |no )(?:\w{1,14} ){0,2}"
        r"(?:ai|assistant|restrictions|rules|filters?)\b",
        "pretend ",
    ),
    rule(
        r"\b(?:enter|enable|activate|switch to) "
        r"(?:developer|debug|god|dan|jailbreak|unrestricted) mode\b",
        " mode",
    ),
    rule(
        r"\b(?:your )?new (?:system )?(?:instructions?|directives?)(?: are)? ?:",
        "new instr|new direc|new system",
    ),
    rule(
        r"\bignor(?:iere|ieren sie) (?:alle )?(?:vorherigen|bisherigen|obigen|früheren) "
        r"(?:anweisungen|regeln)",
        "ignorier",
    ),
    rule(
        r"\bignora (?:todas )?(?:las |le )?(?:istruzioni|instrucciones) "
        r"(?:anteriores|previas|precedenti)",
        "ignora ",
    ),
    rule(
        r"\bignore[zr]? (?:toutes )?(?:les )?(?:instructions|consignes) "
        r"(?:précédentes|antérieures)",
        "ignore",
        "précédentes|antérieures",
    ),
    rule(r"忽略(?:所有|以上|之前|先前).{0,6}(?:指令|指示|说明)", "忽略"),
    rule(r"игнорируй(?:те)? (?:все )?(?:предыдущие|прежние) (?:инструкции|указания)", "игнорируй"),
)
_DELIMITERS = (
    rule(
        r"<\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id|start_header_id"
        r"|end_header_id)\|>",
        "<|",
    ),
    rule(
        r"\[/?inst\]|<</?sys>>"
        r"|</?(?:system|system_prompt|assistant|user_input|untrusted_data|tool_result)>",
        "inst]|sys>>|system>|prompt>|assistant>|input>|data>|result>",
    ),
    rule(r"#{2,4} ?(?:system|instructions?|assistant)(?: prompt| message)? ?:", "##"),
    rule(r"\[(?:begin |start )?system(?: prompt| message)?\]", "system]|prompt]|message]"),
    rule(r"\b(?:begin|end|start) (?:of )?system (?:prompt|message|instructions)\b", " system "),
)
_TOOLS = (
    rule(
        r"</?tool_calls?>|<function_calls?>|<(?:\w{1,10}:)?invoke name=",
        "tool_call|function_call|invoke name",
    ),
    rule(r"\"(?:tool_calls?|function_call)\" ?:", "_call"),
    rule(
        r"\{ ?\"(?:name|tool|function|action)\" ?: ?\"[\w.-]{1,60}\" ?, ?"
        r"\"(?:arguments|parameters|args|input|action_input)\" ?:",
        '"name"|"tool"|"function"|"action"',
    ),
    rule(r"\baction ?: ?\w{1,40} action[ _]input ?:", "action input|action_input"),
    rule(
        r"\b(?:call|invoke|use|run|execute) (?:the |your )?[`'\"]?[a-z]{2,20}_[a-z_]{2,30}[`'\"]?"
        r"(?: ?\(| (?:tool|function|api)\b)",
        "_",
        "(| tool| function| api",
    ),
    rule(r"\b(?:call|invoke|execute) (?:the |your )?[\w-]{2,30} tool\b", " tool"),
)
_EXFILTRATION = (
    rule(
        rf"\b{_SEND} (?:me |us )?(?:a copy of )?{_WHOLE} (?:\w{{1,14}} ){{0,4}}?{_PRIVATE}\b"
        r".{0,60}?\b(?:to|at) (?:<?[\w.+-]{1,60}@[\w-]{1,60}\.|https?://|the following)",
        "forward|send|mail|post|upload|copy|transmit|leak|exfiltrate|export",
        "@|://|the following",
    ),
    rule(
        r"\b(?:reveal|print|repeat|output|disclose|show me|tell me|send me|leak) (?:me )?"
        r"(?:your|the) (?:full |entire |exact )?(?:system|hidden|initial|original|secret) "
        r"(?:prompt|instructions|message|rules)\b",
        "prompt|instructions|message|rules",
        "reveal|print|repeat|output|disclose|show me|tell me|send me|leak",
    ),
    rule(
        r"!\[[^\]]{0,100}\]\(https?://[^)\s]{1,200}[?&][\w.-]{1,40}=[^)\s]{0,40}[{<\[]",
        "](http",
    ),
)
_ADDRESSED = (
    rule(
        r"\b(?:attention|dear|note (?:to|for)|hey|hello|hi|message (?:for|to)"
        r"|instructions? (?:for|to)|notice (?:to|for)|important for)[ ,:]{1,3}"
        rf"(?:the |any |all |every |whichever )?{_AGENT}\b"
        r"(?! (?:team|newsletter|community|enthusiast|fans?|users?|lovers?|experts?))",
        _AGENT_WORDS,
        "attention|dear|note |hey|hello|hi|message |instruction|notice |important",
    ),
    rule(rf"\bif you(?:'re| are) an? (?:\w{{1,14}} ){{0,2}}{_AGENT}\b", "if you are|if you're"),
    rule(
        rf"\b{_AGENT} (?:reading|processing|summari[sz]ing|handling|parsing|triaging"
        r"|that (?:reads?|process(?:es)?)) (?:this|the)\b",
        "ing |that read|that process",
        "ai |llm|language model|bot|gpt|claude|copilot|gemini|assistant|agent",
    ),
    rule(rf"\bas an? {_AGENT},? you (?:must|should|will|are)\b", "as a"),
    rule(
        rf"\b(?:{_AGENT}|assistant|agent) ?: ?(?:you )?"
        r"(?:must|please|ignore|forward|send|reply|do not|when)\b",
        "ai:|llm:|model:|bot:|gpt:|claude:|assistant:|agent:|ai :|assistant :|agent :",
    ),
)
_SECRECY = (
    rule(
        r"\b(?:do not|don't|never) (?:tell|inform|notify|alert|warn|ask"
        rf"|(?:mention|reveal) (?:this|it|any of this) to) {_WHO}\b",
        "do not|don't|never",
        _WHO_WORDS,
    ),
    rule(
        r"\bwithout (?:telling|informing|notifying|alerting|asking|confirmation from"
        rf"|the knowledge of|approval from) {_WHO}\b",
        "without ",
        _WHO_WORDS,
    ),
)
_FORCING = (
    rule(
        r"\b(?:respond|reply|answer|output) (?:only |exactly )?with (?:only |exactly "
        r"|nothing but |just )(?:the )?(?:word|text|phrase|following|string|json|exact)\b",
        " with only| with exactly| with nothing but| with just",
    ),
    rule(r"\b(?:respond|reply|answer|output) (?:only|exactly) with\b", "only with|exactly with"),
    rule(
        r"\byour (?:next )?(?:reply|response|answer|summary|output) (?:must|shall|has to) "
        r"(?:only |always )?(?:contain|include|begin|start|end|say|state|be)\b",
        " must | shall | has to ",
        "your ",
    ),
)
_AUTHORITY = (
    rule(
        r"\b(?:system|admin|administrator|developer|root|security) override\b|\boverride code\b",
        "override",
    ),
    rule(
        r"\b(?:this is|message from|i am|directive from) (?:openai|anthropic|your (?:developer"
        r"|creator|programmer|operator|system administrator))\b",
        "openai|anthropic|your developer|your creator|your prog|your operator|your system admin",
    ),
    rule(
        r"\b(?:authori[sz]ed|approved) by (?:your|the) "
        r"(?:developers?|operator|system|ai provider|model provider)\b",
        "ed by ",
    ),
)
_TRAPS = (
    rule(
        r"\b(?:when|whenever|next time|once|as soon as) (?:the |a |your )?(?:user|human|operator) "
        r"(?:next |ever )?(?:asks|says|replies|types|mentions|requests|writes)\b",
        "user |human |operator ",
    ),
)
FAMILIES = (
    Family("role_override", "asks to drop earlier instructions", 0.45, _OVERRIDES),
    Family("delimiter", "holds a language model's own delimiters", 0.5, _DELIMITERS),
    Family("tool_call", "looks like a call of a tool", 0.45, _TOOLS),
    Family("exfiltration", "asks to send data out", 0.4, _EXFILTRATION),
    Family("agent_address", "speaks to an AI agent, not to a person", 0.3, _ADDRESSED),
    Family("secrecy", "asks to keep it from the user", 0.35, _SECRECY),
    Family("output_forcing", "dictates what the answer must be", 0.25, _FORCING),
    Family("authority", "claims the authority of system or developer", 0.3, _AUTHORITY),
    Family("delayed_trigger", "sets a trap for later", 0.2, _TRAPS),
)
LABELS = {family.code: family.label for family in FAMILIES}

# Of text that nobody was to see, less is needed.
_ASKS = re.compile(
    r"\b(?:ignore|disregard|forward|send|reply|respond|transfer|wire|delete|approve|reveal"
    r"|disclose|export|upload|mark|classify|label|rate|tell|execute|run|call|visit|download"
    r"|grant|summari[sz]e)\b"
)
_MACHINE_WORDS = re.compile(
    rf"\b(?:{_AGENT}|assistant|agent|system prompt|instructions?|inbox|api key|credentials?"
    r"|this (?:e-?)?mail as)\b"
)
_TELLS = re.compile(
    r"(?:example|e\.g\.|such as|phrases?|known as|called|attacks?|injections?|jailbreaks?"
    r"|attackers?|researchers?|like|says?|said)[^.]{0,40}$"
)
_QUOTES = tuple("\"'`“”„‘’«»‹›")
# A phrase that is only told of says half as much.
_TOLD, _MOST_HITS = 0.5, 20


def found(form: str) -> dict[str, float]:
    """Return how much each family says of a plain form, by its code."""
    weights: dict[str, float] = {}
    for family in FAMILIES:
        says = max(_weights(family, form), default=0.0)
        if says:
            weights[family.code] = says
    return weights


def _weights(family: Family, form: str) -> Iterator[float]:
    for each in family.rules:
        for count, hit in enumerate(each.hits(form)):
            if count == _MOST_HITS:
                break
            before = form[max(0, hit.start() - 80) : hit.start()]
            told = before.endswith(_QUOTES) or _TELLS.search(before) is not None
            yield family.weight * (_TOLD if told else 1.0)


def speaks_to_a_machine(form: str) -> bool:
    """Tell whether hidden text of this plain form bids a machine do something."""
    return bool(found(form)) or bool(_ASKS.search(form) and _MACHINE_WORDS.search(form))
