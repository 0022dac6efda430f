"""What the name of a column suggests, in six languages. Hints for ``features.inference.draft``, nothing firmer.

English, German, French, Spanish, Portuguese and Chinese; phrases are written as ``features.inference.words`` wants
them.
"""

from __future__ import annotations

import functools
import itertools
import re

from features.inference.words import folded, phrase_pattern

_PERSONS = """
    customer|client|member|applicant|borrower|person|household|party|user|debtor|kunde|kunden|cliente|usuario
    persona|pessoa|emprunteur"""
_KEYS = "id|no|nr|num|number|key|ref|numero|codigo"


def _both_ways() -> str:
    """``customer id``, ``id customer`` and ``id de customer``, for every pair."""
    pairs = itertools.product(re.split(r"[|\n]\s*", _PERSONS.strip()), _KEYS.split("|"))
    return "|".join(f"{one} {key}|{key} {one}|{key} de {one}" for one, key in pairs)


_HINTS = {
    "target": """
        outcome|target|label|default*|defaulted|bad|good bad|bad flag|bad loan|gb flag|performance|repaid
        loan status|credit status|repayment status|status of loan|risk flag|fraud|fraudulent|is fraud|approved
        creditability|charged off|not fully paid|loan paid back|success|serious dlq*|zielvariable|zielgrosse
        kreditausfall|zahlungsausfall|ausfall|kreditstatus|kreditwurdigkeit|bonitat|zuruckgezahlt|zurueckgezahlt
        cible|defaut|defaillance|statut du pret|statut pret|impaye|rembourse|objetivo|incumplimiento|impago
        moroso|estado del prestamo|estado prestamo|estado credito|pagado|alvo|inadimplencia|inadimplente
        situacao do emprestimo|situacao emprestimo|situacao contrato|pago
        违约|違約|是否逾期|好坏|标签|目标|贷款状态|貸款狀態|还款状态|還款狀態|借款状态|结清状态|还款情况""",
    "on_time": """
        on time|timely|not late|never late|not overdue|punktlich|puenktlich|a temps|puntual|pontual|sin mora
        sin atraso|sem atraso|sans retard
        未逾期|无逾期|没有逾期|按时|按期""",
    "history": """
        previous*|prior|in the past|past loan*|past default*|past credit*|past year*|past month*|history
        historical|hist|ever|before|within|on file|bureau|last # *|# m|# mo|# mth|# mths|# month|# months|# y
        # yr|# yrs|# year|# years|bisherig*|fruher*|vorherig*|historique|anterieur*|precedent*|historial
        historico|anterior*|previo*|previa*
        历史|歷史|过去|過去|以往|曾|近|前""",
    "measure": """
        num|number|no of|count|cnt|nb|max|min|mean|sum|amnt|amt|amount|balance|days|months|anzahl|betrag|nombre
        montant|cantidad|monto|saldo|valor|quantidade
        次数|次數|金额|金額|天数|天數|笔数|总|最大""",
    "id": """
        id|ids|key|number|no|nr|ref|reference|uuid|guid|code|serial|index|row|kennung|nummer|*nummer|*nr
        aktenzeichen|identifiant|numero|num|dossier|matricule|clave|folio|expediente|codigo|identificador
        protocolo
        编号|編號|序号|序號|单号|流水号|号码|代码|标识""",
    "decision": """
        applied|application|apply|received|start date|loan start*|startdatum|decision|decided|issue|issued
        origination|originated|orig|booked|booking|granted|submitted|request|requested|disbursed|disbursement
        approval|approved|antrag*|beantragt|bewilligung*|genehmigung*|vertragsdatum|vertragsbeginn|auszahlung*
        kreditbeginn|demande|octroi|souscription|signature|deblocage|solicitud|solicitado|aprobacion|desembolso
        otorgamiento|concesion|originacion|solicitacao|aprovacao|contratacao|concessao|liberacao|originacao
        申请日|申请时间|申請日|审批|審批|放款|发放|發放|贷款日|借款日|签约|成交|起始日|决策""",
    "other_date": """
        last|next|first|earliest|oldest|join*|since|opened|registered|registration|hired|employed|birth*|born
        dob|payment|pymnt|closed|end|maturity|due|pull|letzte*|nachste*|erste*|geburt*|fallig*|ende|enddatum
        laufzeitende|dernier*|prochain*|premier*|naissance|echeance|fin|ultim*|proxim*|primer*|nacimiento
        nascimento|vencimiento|vencimento|termino
        最后|最近|上次|下次|首次|最早|出生|生日|到期|还款日|還款日|结清|截止""",
    "later": """
        pymnt|pymnts|payment received|payments received|total paid|amount paid|total payment|last payment
        recovery|recoveries|recovered|total rec|late fee|late fees|written off*|write off*|writeoff*|charge off*
        charged off*|chargeoff*|chg off*|settlement|hardship|out prncp|outstanding principal|last fico
        last credit pull|collection fee|days past due|dpd|default date|date of default|deferral|deferment
        forbearance|restructured|accrued interest|closed date|closing date|repaid|lgd|ead|zahlungseingang*
        letzte zahlung|mahnstufe|mahngebuhr*|inkasso*|ausfalldatum|abschreibung*|abgeschrieben|verwertungserlos
        ruckstandstage|dernier paiement|montant recouvre|recouvrement|jours de retard|date defaut|date de defaut
        ultimo pago|dias de atraso|dias atraso|dias de mora|dias mora|recuperado|recuperacion|castigo
        fecha de incumplimiento|ultimo pagamento|dias em atraso|valor recuperado|recuperacao
        data de inadimplencia|data inadimplencia
        已还|已還|实还|實還|逾期天数|逾期天數|逾期金额|逾期金額|最后还款|催收|核销|核銷|回收|结清日|結清日
        违约日|違約日|坏账|壞賬""",
    "lender": """
        grade|sub grade|subgrade|int rate|interest rate|apr|installment|instalment|monthly installment
        monthly instalment|installment amount|instalment amount|funded*|approved*|granted*|risk band|risk class
        risk grade|loan price|loan margin|zinssatz|sollzins|effektivzins|kreditzins|risikoklasse
        bewilligter betrag|taux d interet|taux interet|montant accorde|tasa de interes|tasa interes
        monto aprobado|taxa de juros|taxa juros|valor aprovado
        利率|授信额度|審批額度|审批额度|审批金额|风险等级|风险评级|信用等级""",
    "not_lender": """
        installment rate|instalment rate|installment plan*|instalment plan*|installment account*|commitment
        other|num|number|no of|count|existing|income|open|total|previous*""",
    "code": """
        code|codes|*code|naics|sic|nace|isic|mcc|codigo|codigos|schlussel|schluessel|kennziffer
        代码|代碼""",
    "group": _both_ways() + "|kundennummer|kundennr|cpf|客户号|客户编号|客户代码|客户id|客戶編號|用户编号|"
    "用户标识|用户id|借款人编号|会员编号|会员号",
    "place": """
        zip|zipcode|zip code|postcode|postal*|post code|plz|postleitzahl|latitude|longitude|address|street
        adresse|strasse|code postal|codigo postal|cep|direccion|endereco|rue|calle|rua|bairro|barrio
        neighborhood|neighbourhood
        邮编|邮政编码|郵編|地址|住址|街道|经度|纬度""",
    "person": """
        first name|last name|surname|full name|family name|customer name|client name|applicant name
        borrower name|member name|vorname|nachname|familienname|nom de famille|prenom|apellido*|nombre completo
        sobrenome|nome completo|nome do cliente|nombre del cliente|ssn|social security*|passport*|national id
        id card|identity card|tax id|*steuer id|dni|nif|curp|rfc|cpf|e mail*|email*|phone*|*phone number
        telephone*|telefon*|telefono*|telefone*|mobile number|handynummer
        姓名|名字|身份证|身分證|证件号|手机|電話|电话|邮箱""",
}
_PATTERNS = {kind: phrase_pattern(phrases) for kind, phrases in _HINTS.items()}


@functools.lru_cache(maxsize=100_000)
def _hints(text: str, kind: str) -> bool:
    return _PATTERNS[kind].search(text) is not None


def hints(name: str, kind: str) -> bool:
    """Whether a name suggests that kind; whole words count, so ``age`` is not seen in ``mortgage``.

    Raises KeyError for an unknown kind.
    """
    return _hints(folded(name), kind)
