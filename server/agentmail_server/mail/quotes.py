"""What the sender of a mail wrote himself: the text without what he quotes.

Line by line and bounded, so that no text can make it slow. For display only: the full text is
always kept.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAX_LINES = 2000
_MAX_SIGNS = 400
_MAX_HEADER_LINES = 8

# "wrote" and its kin, as mail programs end (or begin, in German) the line above a quote.
_WROTE = (
    r"wrote|writes|a écrit|a ecrit|schrieb|escribió|escribio|ha scritto|scrisse|escreveu"
    r"|schreef|heeft .{0,60}geschreven|skrev|kirjoitti|napisał\(?a?\)?|napisal|napsal\(?a?\)?"
    r"|пишет|написал\(?а?\)?|писал\(?а?\)?|написав|пише|έγραψε|a scris|a írta|írta|yazdı"
    r"|đã viết|menulis|va escriure|rašė|kirjutas|rakstīja|napisao je|je napisal|написа"
    r"|写道|寫道|写到|作成|のメール|さんは書きました|님이 작성|작성|כתב|כתבה|كتب"
)
_ENDS_IN_WROTE = re.compile(rf"(?:{_WROTE})\s*(?:a)?\s*[:：]?\s*$", re.IGNORECASE)
# The verb in the middle, the person last: "Am 3.1. um 10:00 schrieb Eva <e@x.test>:"
_VERB_THEN_PERSON = re.compile(rf"\s(?:{_WROTE})\s.{{1,200}}[:：]\s*$", re.IGNORECASE)
# A date and an address in brackets, ending in a colon, need no verb.
_PERSON_AND_COLON = re.compile(r"\d.{0,300}<\s*[^<>\s]{1,200}@[^<>\s]{1,200}>\s*[:：]\s*$")
_DATED = re.compile(r"\d{1,4}\s*[-./:年월月时 ,]|\d{1,2}:\d\d|\d{4}")
_LEADS = re.compile(
    r"\s{0,3}(?:On|Le|Am|El|Il|Em|Op|Den|På|W dniu|Dnia|Dne|Dňa|Vào|Pe|În|Ma|Pada|Kl|Το|Στις"
    r"|Від|В|Вт|Пн|Ср|Чт|Пт|Сб|Вс|在|于|於|A|Klo|Data|Dana|Date)\b",
    re.IGNORECASE,
)

_FROM = re.compile(
    r"[\s*>]{0,4}(?:From|De|Von|Da|Van|Fra|Från|Od|От|Від|Kimden|Lähettäjä|Feladó|Remitente"
    r"|Exp|Expéditeur|差出人|发件人|寄件者|寄件人|보낸 사람|Message du|Από|De la)"
    r"\s{0,3}\*{0,2}\s?[:：]",
    re.IGNORECASE,
)
_FIELD = re.compile(
    r"[\s*>]{0,4}(?:From|De|Von|Da|Van|Fra|Från|Od|От|Sent|Date|To|Cc|Subject|Reply-To"
    r"|Envoyé(?: le)?|À|A|Objet|Copie à|Sujet|Gesendet|Datum|An|Betreff|Inviato|Data|Oggetto"
    r"|Verzonden|Aan|Onderwerp|Sendt|Dato|Til|Emne|Skickat|Till|Ämne|Wysłano|Do|DW|Temat"
    r"|Отправлено|Дата|Кому|Копия|Тема|Enviado(?: el| em)?|Fecha|Para|Asunto|Assunto"
    r"|Gönderilme|Tarih|Kime|Konu|Lähetetty|Päivä|Vastaanottaja|Aihe|Odesláno|Komu|Předmět|Küldve"
    r"|Címzett|Tárgy|送信日時|宛先|件名|日時"
    r"|发送时间|发送日期|收件人|抄送|主题|寄件日期|收件者|主旨|日期|보낸 날짜|받는 사람|제목|날짜"
    r"|Message du|Priorité|Importance|Attachments?)\s{0,3}\*{0,2}\s?[:：]",
    re.IGNORECASE,
)
_DIGIT = re.compile(r"\d")
_COLON = re.compile("[:：]")
_SEPARATOR = re.compile(
    r"\s{0,3}[-_=*─—]{2,}\s{0,3}(?=[^\n]{0,60}"
    r"(?:message|messaggio|mensaje|mensagem|missatge|nachricht|e-?mail|besked|meddelande|melding"
    r"|bericht|wiadomość|wiadomosc|сообщение|повідомлення|письмо|zpráva|správa|üzenet|ileti|viesti"
    r"|mesaj|μήνυμα|poruka|邮件|郵件|メッセージ|메시지|reply above|forwarded))"
    r"[^-_=*─—\n]{3,60}[-_=*─—]{2,}\s*$",
    re.IGNORECASE,
)
_RULE = re.compile(r"\s{0,3}(?:[-_=*─—]{3,})\s*$")


def visible_text(text: str) -> str:
    """Return what the sender wrote, without quotes and the lines that introduce them."""
    lines = text.split("\n", _MAX_LINES)[:_MAX_LINES]
    heads = [line[:_MAX_SIGNS] for line in lines]
    kept: list[str] = []
    at = 0
    while at < len(lines):
        if _is_quoted(heads[at]):
            at += 1
            continue
        taken = _introduction(heads, at)
        if taken == 0:
            kept.append(lines[at])
            at += 1
        elif _quote_marks_follow(heads, at + taken):
            at += taken
        else:
            break
    return _without_rule(kept)


def _is_quoted(line: str) -> bool:
    return line.lstrip(" ").startswith((">", "|>", "＞"))


def _introduction(heads: Sequence[str], at: int) -> int:
    """Return how many lines from `at` introduce a quote; 0 when it is the sender's own text."""
    if not heads[at].strip():
        return 0
    if heads[at].lstrip()[0] in "-_=*─—" and _SEPARATOR.match(heads[at]):
        return 1 + _header_block(heads, at + 1)
    return _header_block(heads, at) or _attribution(heads, at)


def _attribution(heads: Sequence[str], at: int) -> int:
    """Return how many lines say who wrote the quote that follows, or 0."""
    first = heads[at]
    runs_on = _DIGIT.search(first) and (_LEADS.match(first) or _DATED.match(first))
    joined = ""
    for count, line in enumerate(heads[at : at + (3 if runs_on else 1)], 1):
        if count > 1 and (not line.strip() or _is_quoted(line)):
            break
        joined = f"{joined} {line.strip()}".strip()[:_MAX_SIGNS]
        if _is_attribution(joined):
            return count
    return 0


def _is_attribution(line: str) -> bool:
    colon = line.endswith((":", "：")) or not line[-1:].isascii()
    # Most lines are neither: they must cost nothing.
    if not colon and "@" not in line:
        return False
    ends_in_wrote = _ENDS_IN_WROTE.search(line[-100:]) is not None
    if not ends_in_wrote and not colon:
        return False
    if _PERSON_AND_COLON.search(line):
        return True
    if not _DATED.search(line):
        return "@" in line and ends_in_wrote and line.endswith(":")
    return ends_in_wrote or _VERB_THEN_PERSON.search(line) is not None


def _header_block(heads: Sequence[str], at: int) -> int:
    """Return the length of a copied header block (From, Sent, To, Subject …) at `at`, or 0."""
    start = at
    while at < len(heads) and at - start < 3 and not heads[at].strip():
        at += 1
    if at >= len(heads) or not _COLON.search(heads[at][:40]):
        return 0
    if not (_FROM.match(heads[at]) or _is_date_first(heads, at)):
        return 0
    last, fields = at, 0
    for place in range(at, min(at + _MAX_HEADER_LINES, len(heads))):
        if _FIELD.match(heads[place]) or _FROM.match(heads[place]):
            last, fields = place, fields + 1
        elif not heads[place].strip():
            break
    return last + 1 - start if fields >= 3 else 0


def _is_date_first(heads: Sequence[str], at: int) -> bool:
    return bool(_FIELD.match(heads[at])) and any(_FROM.match(x) for x in heads[at + 1 : at + 4])


def _quote_marks_follow(heads: Sequence[str], at: int) -> bool:
    following = next((line for line in heads[at : at + 4] if line.strip()), "")
    return _is_quoted(following)


def _without_rule(kept: list[str]) -> str:
    """Drop blank lines and a bare rule at the end, which belong to the quote."""
    while kept and (not kept[-1].strip() or _RULE.match(kept[-1])):
        kept.pop()
    return "\n".join(kept).strip("\n")
